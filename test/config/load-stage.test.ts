import reference from '../../holdfast.config';
import { ConfigurationError, loadStage } from '../../lib/config';
import type { Configuration } from '../../lib/config';
import { mistakesOf, production, shop, shopWith } from './shop';

const TWO_STAGES = { stages: { dev: { region: 'us-east-1' } } };

describe('a configuration with several stages', () => {
  test('the mistakes of every stage show, whichever is loaded', () => {
    const wrong = shopWith(TWO_STAGES, { stages: { dev: { fleet: { min: 4 } }, production: { fleet: { min: 7 } } } });
    const both = [
      'stages.production.fleet.min is 7 with max 6; allowed is at most 6: lower min, or raise max.',
      'stages.dev.fleet.min is 4 with max 3; allowed is at most 3: lower min, or raise max.',
    ];
    expect(mistakesOf(wrong, 'dev')).toEqual(both);
    expect(mistakesOf(wrong, 'production')).toEqual(both);
  });

  test('a mistake that they share is said once', () => {
    expect(mistakesOf(shopWith(TWO_STAGES, { web: { port: 9464 } }))).toEqual([
      'web.port is 9464, where the metrics server listens; allowed is a port of its own in the task: change it.',
    ]);
    expect(mistakesOf(shopWith(TWO_STAGES, { web: { cpuUnits: 'much' } }))).toEqual([
      'web.cpuUnits is "much"; allowed is a whole number of CPU units (1,024 are one vCPU) from 16 to 16384.',
    ]);
  });

  test('a mistake of the common part that one stage has names the stage', () => {
    const wrong = shopWith(TWO_STAGES, {
      taskEngine: 'celery',
      redis: { queue: { replicas: 0 } },
    });
    expect(mistakesOf(wrong)).toEqual([
      "In stage production: redis.queue.replicas is 0 with taskEngine 'celery'; allowed is at least 1 in a stage like production, because Celery keeps tasks in Redis alone: raise it.",
    ]);
  });

  test('a mistake of a value does not hide the rules of another stage', () => {
    const wrong = shopWith(TWO_STAGES, {
      stages: { dev: { fleet: { max: 0 } }, production: { network: { natGateways: 3 } } },
    });
    expect(mistakesOf(wrong)).toEqual([
      'stages.production.network.natGateways is 3 with availabilityZones 2; allowed is at most one a zone: lower it to 2.',
      'stages.dev.fleet.max is 0; allowed is a whole number of instances from 1 to 100.',
    ]);
  });

  test('a common acknowledgement needs to serve one stage only, a stage its own', () => {
    const reason = 'Two colleagues use it, in the office.';
    const shared = { redis: { cache: 'shared' } };
    const common = { ...shared, acknowledge: { 'holdfast:shared-cache': reason } };
    expect(mistakesOf(shopWith(TWO_STAGES, common))).toEqual([]);
    const own = { ...shared, stages: { dev: { acknowledge: { 'holdfast:shared-cache': reason } } } };
    expect(mistakesOf(shopWith(TWO_STAGES, own))).toEqual([
      'stages.dev.acknowledge.holdfast:shared-cache accepts a warning that nothing raises; allowed are warnings that are raised: remove it.',
    ]);
  });
});

test('refuses a stage, a preset and stages that do not exist', () => {
  expect(mistakesOf(shopWith(), 'prod')).toEqual([
    'The stage is "prod"; allowed is production: pass -c stage=production, or add it to stages.',
  ]);
  expect(mistakesOf({ ...shop, stages: {} })).toEqual([
    "stages is {}; allowed is an object with at least one stage: write stages: { dev: { region: 'us-east-1' } }.",
  ]);
  expect(mistakesOf({ ...shop, stages: { Live: { region: 'us-east-1' } } }, 'Live')).toEqual([
    "stages.Live is not a name that is allowed here; a name is 1 to 20 lower-case letters, digits and dashes, starting with a letter and not ending in a dash: write 'live'.",
  ]);
});

test('refuses an engine without workers, and a worker that would run what web runs', () => {
  expect(mistakesOf({ ...shop, workers: {} })).toEqual([
    "workers is empty with taskEngine 'holdfast'; allowed is at least one kind, or accepted tasks are never done: add workers: { default: { queues: [{ name: 'default' }] } }.",
  ]);
  expect(mistakesOf({ ...shop, web: {}, workers: { default: { queues: [{ name: 'default' }] } } })).toEqual([
    'workers.default.command is missing, as is that of web, and both run the same image; allowed is one process without a command: name what workers.default runs.',
  ]);
  expect(mistakesOf({ ...shop, taskEngine: 'custom', workers: {} })).toEqual([]);
});

test('refuses workers that nothing would wake', () => {
  const asleep = { workers: { default: { scaling: { min: 0 } } } };
  const refusal = (mend: string) => [
    `workers.default.scaling.min is 0 where the kind scales on CPU, which nothing uses then; allowed is at least 1, or nothing wakes it: raise it, or ${mend}.`,
  ];
  expect(mistakesOf(shopWith(asleep))).toEqual([]);
  expect(mistakesOf(shopWith(asleep, { taskEngine: 'custom' }))).toEqual(refusal('give scaling.metric'));
  const { name, image, web, workers, stages } = shopWith(asleep);
  expect(mistakesOf({ name, image, web, workers, stages } as Configuration)).toEqual(
    refusal('add scheduler, which measures the backlog'),
  );
});

test('reports all mistakes together', () => {
  expect(() => loadStage(shopWith({ web: { port: 0 }, logRetentionDays: 2 }), 'production')).toThrow(
    new ConfigurationError([
      'web.port is 0; allowed is a whole number from 1 to 65535.',
      'logRetentionDays is 2; allowed is one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653.',
    ]),
  );
});

describe('warnings', () => {
  const ids = (...changes: object[]) => production(...changes).warnings.map(({ id }) => id);

  test('a configuration that leaves nothing open has none', () => {
    expect(ids()).toEqual([]);
  });

  test.each<[string, object]>([
    ['holdfast:alarms-reach-nobody', { alarms: { emails: [] } }],
    ['holdfast:shared-cache', { redis: { cache: 'shared' } }],
    ['holdfast:single-zone-database', { database: { multiAz: false } }],
    ['holdfast:image-architecture', { image: { reference: 'nginx:1.29-alpine' } }],
    ['holdfast:spot-unused', { fleet: { spot: { instanceTypes: ['t4g.medium'], max: 2 } } }],
    ['holdfast:awsvpc-trunking', { fleet: { instanceType: 'm7g.large', networkMode: 'awsvpc', max: 2 } }],
    ['holdfast:prices-of-another-region', { stages: { production: { region: 'eu-central-1' } } }],
    ['holdfast:price-unknown', { fleet: { instanceType: 'r6g.large' } }],
  ])('tells %s', (id, change) => {
    expect(ids(change)).toEqual([id]);
  });

  test('tells what is left out', () => {
    const { name, image, web, workers, alarms, stages } = shop;
    expect(loadStage({ name, image, web, workers, alarms, stages }, 'production').warnings.map(({ id }) => id)).toEqual(
      ['holdfast:no-scheduler', 'holdfast:no-migration', 'holdfast:http-only'],
    );
  });

  test('tells of a Redis without TLS', () => {
    const existing = {
      host: 'redis.example.org',
      tls: false,
      secretArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:redis-abcdef',
      securityGroupId: 'sg-0123456789abcdef0',
    };
    expect(ids({ redis: { existing } })).toEqual(['holdfast:redis-plain-tcp']);
  });

  test('those of the reference configuration are all acknowledged', () => {
    for (const stage of Object.keys(reference.stages)) {
      const { warnings, configuration } = loadStage(reference, stage);
      expect(warnings.filter(({ id }) => configuration.acknowledge[id] === undefined)).toEqual([]);
    }
  });
});
