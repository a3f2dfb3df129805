import reference from '../../holdfast.config';
import { estimateCost as estimateCostOf, resolveStage } from '../../lib/config';
import type { StageConfiguration } from '../../lib/config';
import { watchedCounts } from '../../lib/observability';
import { hourlyPrice, PRICES } from '../../lib/config/prices';
import { production } from './shop';

const estimateCost = (configuration: StageConfiguration, watched = watchedCounts(configuration)) =>
  estimateCostOf(configuration, watched);

function inRegion(stage: string, region: string): StageConfiguration {
  return { ...resolveStage(reference, stage), region };
}

test.each([
  ['dev', 'us-east-1', 75],
  ['dev', 'ap-northeast-2', 90],
  ['production', 'us-east-1', 215],
  ['production', 'ap-northeast-2', 280],
])('%s in %s costs at most %d USD per month', (stage, region, limit) => {
  const { totalUsdPerMonth } = estimateCost(inRegion(stage, region));
  expect(totalUsdPerMonth).toBeLessThanOrEqual(limit);
  // What is within the limit only because something was forgotten is far from it.
  expect(totalUsdPerMonth).toBeGreaterThan(0.9 * limit);
});

describe('an estimate', () => {
  test('is the sum of quantities and prices, and says how much of it is unverified', () => {
    const cost = estimateCost(inRegion('production', 'us-east-1'));
    for (const { quantity, unitPriceUsd, usdPerMonth } of cost.items) {
      expect(usdPerMonth).toBeCloseTo(quantity * (unitPriceUsd ?? NaN), 10);
    }
    const sum = (verified: boolean) =>
      cost.items.filter((item) => item.verified === verified).reduce((total, item) => total + item.usdPerMonth, 0);
    expect(cost.totalUsdPerMonth).toBeCloseTo(sum(true) + sum(false), 10);
    expect(cost.unverifiedUsdPerMonth).toBeCloseTo(sum(false), 10);
    expect(sum(true)).toBeGreaterThan(sum(false));
  });

  test('counts what is there', () => {
    const { items } = estimateCost(inRegion('production', 'us-east-1'));
    expect(items.map(({ label, usdPerMonth }) => `${label}: ${usdPerMonth.toFixed(2)}`)).toEqual([
      'EC2 t4g.medium x 2: 49.06',
      'EBS gp3 of the instances: 4.80',
      'Application Load Balancer: 16.43',
      'Load balancer capacity: 0.58',
      'Public IPv4 addresses x 3: 10.95',
      'NAT gateways x 1: 32.85',
      'Data through NAT: 0.90',
      'RDS db.t4g.small Multi-AZ: 47.45',
      'RDS gp3 storage: 4.60',
      'Valkey cache.t4g.micro x 2 (queue): 18.69',
      'Valkey cache.t4g.micro x 1 (cache): 9.34',
      'CloudWatch alarms: 4.00',
      'CloudWatch custom metrics: 1.80',
      'CloudWatch dashboard: 3.00',
      'CloudWatch logs: 1.50',
      'Secrets: 1.60',
      'S3 storage: 0.02',
    ]);
  });

  test('takes the counts of alarms and metrics that it is given', () => {
    const configuration = inRegion('dev', 'us-east-1');
    const priceOf = (alarms: number, customMetrics: number) =>
      estimateCost(configuration, { alarms, customMetrics }).totalUsdPerMonth;
    expect(priceOf(20, 6) - priceOf(10, 6)).toBeCloseTo(1, 10);
    expect(priceOf(10, 16) - priceOf(10, 6)).toBeCloseTo(3, 10);
  });

  test('counts the instances that the smallest scale needs', () => {
    const { cost } = production({
      web: { scaling: { min: 12, max: 12 } },
      database: { instanceClass: 't4g.medium' },
    });
    expect(cost.items[0]?.label).toBe('EC2 t4g.medium x 2');
    const more = production({
      web: { scaling: { min: 20, max: 20 } },
      database: { instanceClass: 't4g.large' },
    });
    expect(more.cost.items[0]?.label).toBe('EC2 t4g.medium x 3');
  });

  test.each(['dev', 'production'])('of the reference %s counts all instances that a rollout needs', (stage) => {
    const { assumptions } = estimateCost(inRegion(stage, 'us-east-1'));
    expect(assumptions.filter((sentence) => sentence.includes('rollout'))).toEqual([]);
  });

  test('says where a rollout needs more instances than it counts', () => {
    const stages = { production: { like: 'dev' } };
    const [assumption] = production({ stages }).cost.assumptions.filter((sentence) => sentence.includes('rollout'));
    expect(assumption).toBe(
      'Not counted: 1 more instance that a rollout of all processes at once needs, and that may stay until all containers on it have gone.',
    );
  });

  test('of a region without prices is that of us-east-1', () => {
    const elsewhere = estimateCost(inRegion('production', 'eu-central-1'));
    expect(elsewhere.region).toBe('us-east-1');
    expect(elsewhere.totalUsdPerMonth).toBe(estimateCost(inRegion('production', 'us-east-1')).totalUsdPerMonth);
  });

  test('leaves out a price that is unknown and shows the item', () => {
    const { cost, warnings } = production({ fleet: { instanceType: 'r6g.large' } });
    expect(cost.items[0]).toEqual({
      label: 'EC2 r6g.large x 2',
      quantity: 1460,
      unit: 'instance-hours',
      usdPerMonth: 0,
      verified: false,
    });
    expect(cost.unpriced).toEqual(['EC2 r6g.large x 2']);
    expect(warnings[0]?.text).toBe(
      'The price of EC2 r6g.large x 2 is unknown and missing from the cost; add it to lib/config/prices.ts.',
    );
  });

  test('has no database or Redis where they exist already', () => {
    const secretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:x-abcdef';
    const server = { host: 'x.example.org', secretArn, securityGroupId: 'sg-0123456789abcdef0' };
    const { cost } = production({
      database: { existing: { ...server, name: 'app', user: 'app', maxConnections: 300 } },
      redis: { existing: server },
    });
    expect(cost.items.filter(({ label }) => /RDS|Valkey/.test(label))).toEqual([]);
    expect(cost.items.find(({ label }) => label === 'Secrets')?.quantity).toBe(1);
  });
});

describe('the estimate of Spot', () => {
  const spot = { instanceTypes: ['t4g.medium', 't4g.large'], max: 3 };
  const labelled = (cost: { items: readonly { label: string }[] }, pattern: RegExp) =>
    cost.items.filter(({ label }) => pattern.test(label));

  test('takes the dearest type at the price on demand, unverified, with its disk', () => {
    const worker = { spot: true, scaling: { min: 2, max: 2 } };
    const { cost } = production({ fleet: { spot }, workers: { default: worker } });
    expect(labelled(cost, /Spot|EBS/)).toEqual([
      {
        label: 'EC2 Spot t4g.large x 1, as on demand',
        quantity: 730,
        unit: 'instance-hours',
        unitPriceUsd: 0.0672,
        usdPerMonth: 49.056,
        mark: 'B',
        verified: false,
      },
      expect.objectContaining({ quantity: 90 }),
    ]);
    expect(cost.assumptions).toContainEqual(
      expect.stringMatching(/^Spot instances count at the price on demand, an upper/),
    );
  });

  test('is nothing while the workers sleep', () => {
    const { cost } = production({ fleet: { spot }, workers: { default: { spot: true, scaling: { min: 0 } } } });
    expect(labelled(cost, /Spot/)).toEqual([]);
  });

  test('names a type without a price', () => {
    const { warnings } = production({
      fleet: { spot: { instanceTypes: ['t4g.medium', 'r6g.large'], max: 3 } },
      workers: { default: { spot: true } },
    });
    expect(warnings.map(({ text }) => text)).toEqual([
      'The price of EC2 Spot r6g.large x 1, as on demand is unknown and missing from the cost; add it to lib/config/prices.ts.',
    ]);
  });
});

test('durability costs extra on each node, where its price is known', () => {
  const durable = (nodeType: string, durability: string) => {
    const queue = { nodeType, durability, engineVersion: '9.0', clusterMode: true, hashTaggedKeys: true };
    return production({ taskEngine: 'custom', redis: { queue } });
  };
  const { cost } = durable('cache.m7g.large', 'sync');
  expect(cost.items.find(({ label }) => label.startsWith('Durability'))).toMatchObject({
    label: 'Durability of cache.m7g.large x 2',
    quantity: 1460,
    unitPriceUsd: 0.0228,
    mark: 'B',
  });
  const other = durable('cache.m7g.xlarge', 'sync').warnings;
  expect(other.map(({ text }) => text)).toEqual([
    'The price of Durability of cache.m7g.xlarge x 2 is unknown and missing from the cost; add it to lib/config/prices.ts.',
  ]);
  expect(durable('cache.m7g.large', 'async').cost.items.filter(({ label }) => label.startsWith('Dur'))).toEqual([]);
});

test('the price of a size that no list has follows the family and is not verified', () => {
  const { ec2 } = PRICES['us-east-1'];
  expect(hourlyPrice(ec2, 't4g.medium')).toEqual({ usd: 0.0336, mark: 'U' });
  expect(hourlyPrice(ec2, 't4g.large')).toEqual({ usd: 0.0672, mark: 'B' });
  expect(hourlyPrice(ec2, 't4g.17xlarge')).toBeUndefined();
  expect(hourlyPrice(ec2, 'c7g.large')).toBeUndefined();
});
