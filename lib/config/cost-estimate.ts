import { hourlyPrice, isVerified, pricesOf } from './prices';
import type { Price, PriceMark, PricedRegion, RegionPrices } from './prices';
import { instancesAtSmallestScale, moreInstancesInRollout, spotInstancesAtSmallestScale } from './smallest-scale';
import type { StageConfiguration } from './stage-configuration';

/** Hours that AWS's own calculator counts as a month. */
export const HOURS_PER_MONTH = 730;

export interface CostItem {
  readonly label: string;
  readonly quantity: number;
  /** What the quantity counts and the unit price is for, such as `instance-hours` or `GB-months`. */
  readonly unit: string;
  /** USD a unit. @default - unknown */
  readonly unitPriceUsd?: number;
  /** 0 where the price is unknown. */
  readonly usdPerMonth: number;
  /** @default - the price is unknown */
  readonly mark?: PriceMark;
  /** Whether the price stands in a dated list of AWS's own. */
  readonly verified: boolean;
}

export interface CostEstimate {
  /** Region whose prices were taken. */
  readonly region: PricedRegion;
  readonly items: readonly CostItem[];
  readonly totalUsdPerMonth: number;
  /** Labels of the items whose price is unknown: the total is without them. */
  readonly unpriced: readonly string[];
  /** Part of the total that rests on prices which are not in a dated list of AWS's own. */
  readonly unverifiedUsdPerMonth: number;
  /** What was assumed, one sentence each. */
  readonly assumptions: readonly string[];
}

/** How much CloudWatch watches; lib/observability counts it. */
export interface WatchedCounts {
  /** Alarms as they are billed, those of scaling policies included: one for each metric that an alarm reads. */
  readonly alarms: number;
  readonly customMetrics: number;
}

export const NOTHING_WATCHED: WatchedCounts = { alarms: 0, customMetrics: 0 };

/**
 * Assumed for a small site, a month: LCU are load balancer capacity units on average; Container Insights bills about ten
 * metrics for the cluster and each service (CloudWatch pricing, example "Container Insights").
 */
const ASSUMED = { lcus: 0.1, natGb: 20, s3Gb: 1, logGb: { essential: 0.5, all: 3 }, insightsMetrics: 10 } as const;

/**
 * What the stage costs, in USD per month of 730 hours, at the smallest scale, on demand, without free tiers and egress.
 * @param watched alarms and metrics. @default - none
 */
export function estimateCost(
  configuration: StageConfiguration,
  watched: WatchedCounts = NOTHING_WATCHED,
): CostEstimate {
  const { region, prices } = pricesOf(configuration.region);
  const items = [
    ...fleetItems(configuration, prices),
    ...networkItems(configuration, prices),
    ...databaseItems(configuration, prices),
    ...redisItems(configuration, prices),
    ...watchItems(configuration, prices, watched),
  ].filter(({ quantity }) => quantity > 0);
  const sum = (some: readonly CostItem[]) => some.reduce((total, { usdPerMonth }) => total + usdPerMonth, 0);
  return {
    region,
    items,
    totalUsdPerMonth: sum(items),
    unpriced: items.filter(({ unitPriceUsd }) => unitPriceUsd === undefined).map(({ label }) => label),
    unverifiedUsdPerMonth: sum(items.filter(({ verified }) => !verified)),
    assumptions: assumptions(configuration),
  };
}

function item(label: string, quantity: number, unit: string, price: Price | undefined): CostItem {
  if (price === undefined) return { label, quantity, unit, usdPerMonth: 0, verified: false };
  return {
    label,
    quantity,
    unit,
    unitPriceUsd: price.usd,
    usdPerMonth: quantity * price.usd,
    mark: price.mark,
    verified: isVerified(price),
  };
}

function fleetItems(configuration: StageConfiguration, prices: RegionPrices): CostItem[] {
  const { instanceType, diskGiB } = configuration.fleet;
  const count = instancesAtSmallestScale(configuration);
  const price = hourlyPrice(prices.ec2, instanceType);
  const spot = spotInstances(configuration, prices);
  return [
    item(`EC2 ${instanceType} x ${count}`, count * HOURS_PER_MONTH, 'instance-hours', price),
    item(
      `EC2 Spot ${spot.name} x ${spot.count}, as on demand`,
      spot.count * HOURS_PER_MONTH,
      'instance-hours',
      spot.price,
    ),
    item('EBS gp3 of the instances', (count + spot.count) * diskGiB, 'GB-months', prices.ebsGp3GbMonth),
  ];
}

interface SpotInstances {
  readonly name: string;
  readonly count: number;
  readonly price: Price | undefined;
}

/**
 * Spot instances that the workers on Spot need at their smallest scale, of the type that costs most. Prices on Spot move
 * and are below that on demand, which stands here as upper bound, unverified.
 */
function spotInstances(configuration: StageConfiguration, prices: RegionPrices): SpotInstances {
  const types = (configuration.fleet.spot?.instanceTypes ?? []).map((name): SpotInstances => {
    const onDemand = hourlyPrice(prices.ec2, name);
    const count = spotInstancesAtSmallestScale(configuration, name);
    return { name, count, price: onDemand && { usd: onDemand.usd, mark: 'B' } };
  });
  // A type without a price comes first, so that it is named as unknown.
  const cost = ({ count, price }: SpotInstances) => (price === undefined ? Infinity : count * price.usd);
  return [...types].sort((a, b) => cost(b) - cost(a))[0] ?? { name: '', count: 0, price: undefined };
}

function networkItems(configuration: StageConfiguration, prices: RegionPrices): CostItem[] {
  const { network } = configuration;
  const own = 'existing' in network ? undefined : network;
  const zones = own?.availabilityZones ?? ('existing' in network ? network.existing.publicSubnetIds.length : 0);
  const gateways = own?.natGateways ?? 0;
  const addresses =
    zones +
    gateways +
    (own?.natGateways === 0 ? instancesAtSmallestScale(configuration) + spotInstances(configuration, prices).count : 0);
  return [
    item('Application Load Balancer', HOURS_PER_MONTH, 'hours', prices.albHour),
    item('Load balancer capacity', ASSUMED.lcus * HOURS_PER_MONTH, 'LCU-hours', prices.albLcuHour),
    item(`Public IPv4 addresses x ${addresses}`, addresses * HOURS_PER_MONTH, 'address-hours', prices.publicIpv4Hour),
    item(`NAT gateways x ${gateways}`, gateways * HOURS_PER_MONTH, 'gateway-hours', prices.natHour),
    item('Data through NAT', gateways > 0 ? ASSUMED.natGb : 0, 'GB', prices.natGb),
  ];
}

function databaseItems({ database }: StageConfiguration, prices: RegionPrices): CostItem[] {
  if ('existing' in database) return [];
  const { instanceClass, multiAz, storageGiB } = database;
  const table = multiAz ? prices.rdsMultiAz : prices.rds;
  const storage = multiAz ? prices.rdsGp3MultiAzGbMonth : prices.rdsGp3GbMonth;
  return [
    item(
      `RDS db.${instanceClass}${multiAz ? ' Multi-AZ' : ''}`,
      HOURS_PER_MONTH,
      'hours',
      hourlyPrice(table, instanceClass),
    ),
    item('RDS gp3 storage', storageGiB, 'GB-months', storage),
  ];
}

function redisItems({ redis }: StageConfiguration, prices: RegionPrices): CostItem[] {
  if ('existing' in redis) return [];
  const nodes = (label: string, nodeType: string, count: number) =>
    item(
      `Valkey ${nodeType} x ${count} (${label})`,
      count * HOURS_PER_MONTH,
      'node-hours',
      hourlyPrice(prices.valkey, nodeType.replace(/^cache\./, '')),
    );
  const { nodeType: queueType, replicas, durability } = redis.queue;
  const surcharged = durability === 'sync' ? 1 + replicas : 0;
  return [
    nodes('queue', queueType, 1 + replicas),
    item(
      `Durability of ${queueType} x ${surcharged}`,
      surcharged * HOURS_PER_MONTH,
      'node-hours',
      prices.valkeyDurability[queueType.replace(/^cache\./, '')],
    ),
    ...(redis.cache === 'shared' ? [] : [nodes('cache', redis.cache.nodeType, 1)]),
  ];
}

function watchItems(configuration: StageConfiguration, prices: RegionPrices, watched: WatchedCounts): CostItem[] {
  const { alarms, dashboard, fleet, workers, scheduler } = configuration;
  const services = 1 + Object.keys(workers).length + (scheduler === undefined ? 0 : 1);
  const insights = fleet.containerInsights ? ASSUMED.insightsMetrics * (1 + services) : 0;
  return [
    item('CloudWatch alarms', watched.alarms, 'alarms', prices.alarmMonth),
    item('CloudWatch custom metrics', watched.customMetrics, 'metrics', prices.customMetricMonth),
    item('Container Insights', insights, 'metrics', prices.customMetricMonth),
    item('CloudWatch dashboard', dashboard ? 1 : 0, 'dashboards', prices.dashboardMonth),
    item('CloudWatch logs', ASSUMED.logGb[alarms.set], 'GB', prices.logsGb),
    item('Secrets', countSecrets(configuration), 'secrets', prices.secretMonth),
    item('S3 storage', ASSUMED.s3Gb, 'GB-months', prices.s3GbMonth),
  ];
}

/** Secrets that the stacks make: the database's password, the AUTH tokens of queue and cache, the administration token. */
function countSecrets({ database, redis }: StageConfiguration): number {
  const tokens = 'existing' in redis ? 0 : redis.cache === 'shared' ? 1 : 2;
  return 1 + ('existing' in database ? 0 : 1) + tokens;
}

function assumptions(configuration: StageConfiguration): string[] {
  const { alarms } = configuration;
  const more = moreInstancesInRollout(configuration);
  return [
    `A month has ${HOURS_PER_MONTH} hours; on demand, without free tiers, taxes and commitments, at the smallest scale.`,
    `Load: ${ASSUMED.lcus} load balancer capacity units on average, ${ASSUMED.logGb[alarms.set]} GB of logs, ${ASSUMED.s3Gb} GB in S3, ${ASSUMED.natGb} GB through NAT where there is one.`,
    "Encryption uses AWS's own keys, which are free.",
    'Spot instances count at the price on demand, an upper bound; where none runs Amazon ECS starts two at first, of which one that stays empty goes again.',
    ...(more > 0
      ? [
          `Not counted: ${more} more ${more === 1 ? 'instance' : 'instances'} that a rollout of all processes at once needs, and that may stay until all containers on it have gone.`,
        ]
      : []),
    'Not counted: traffic to the internet and between zones, requests to S3, mail, images, backups beyond the size of the database, flow logs, surplus CPU credits of burstable (t) instances.',
  ];
}
