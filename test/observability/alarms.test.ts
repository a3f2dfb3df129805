import { Match } from 'aws-cdk-lib/assertions';
import reference from '../../holdfast.config';
import { resolveStage } from '../../lib/config';
import { countAlarms, watchedCounts } from '../../lib/observability';
import { changed, metricsRead, monitoredStage } from './monitored-stage';

const GIB = 1_024 ** 3;
const stages = { dev: monitoredStage('dev'), production: monitoredStage('production') };

describe.each(['dev', 'production'] as const)('the alarms of %s', (stage) => {
  const { alarms, telling, configuration } = stages[stage];

  test('tell people when they begin and when they end', () => {
    const { stateful, stateless } = stages[stage];
    // The stage's topic, as each of the two stacks refers to it, and nobody else.
    const topics = [
      stateful.findResources('AWS::SNS::Topic'),
      stateless.findParameters('*', { Default: `/holdfast/${stage}/alarms/topic-arn` }),
    ].map((found) => Object.keys(found).map((Ref) => ({ Ref })));
    expect(topics.map(({ length }) => length)).toEqual([1, 1]);
    for (const alarm of telling.values()) {
      expect(topics).toContainEqual(alarm.AlarmActions);
      expect(alarm.OKActions).toEqual(alarm.AlarmActions);
      // A lack of data is told by the alarms that treat it as trouble.
      expect(alarm).not.toHaveProperty('InsufficientDataActions');
      expect(alarm).not.toHaveProperty('ActionsEnabled', false);
    }
  });

  test('have names known before the deploy', () => {
    for (const { AlarmName } of alarms.values()) {
      expect(AlarmName).toMatch(new RegExp(`^holdfast-${stage}-[a-z0-9-]+$`));
    }
  });

  test('say what they mean, what to do first, and what no data means', () => {
    for (const { AlarmDescription, TreatMissingData } of telling.values()) {
      expect(AlarmDescription).toMatch(/^[A-Z].{30,}\. First step: .{20,}\.$/s);
      expect(AlarmDescription!.length).toBeLessThanOrEqual(1_024);
      expect(TreatMissingData).toBeDefined();
    }
  });

  test('name the unit of their threshold', () => {
    for (const [name, { AlarmDescription }] of telling) {
      expect([name, AlarmDescription]).toEqual([
        name,
        expect.stringMatching(
          /\d+(\.\d+)? ?(%|s\b|GiB|MiB|minutes|tasks|workers|keys|requests|connections)|at least one/i,
        ),
      ]);
    }
  });

  test('are counted right, for the estimate of the cost', () => {
    const { telling: told, scaling } = countAlarms(configuration);
    const read = [...telling.values()].reduce((sum, alarm) => sum + metricsRead(alarm), 0);
    expect(told).toEqual({ alarms: telling.size, billed: read });
    // Of the alarms that scale, target tracking's are made by AWS, two a policy; only the steps' stand in a template.
    const policies = stages[stage].stateless.findResources('AWS::ApplicationAutoScaling::ScalingPolicy', {
      Properties: { PolicyType: 'TargetTrackingScaling' },
    });
    const capacityProviders = stages[stage].stateless.findResources('AWS::ECS::CapacityProvider');
    const tracking = Object.keys(policies).length + Object.keys(capacityProviders).length;
    expect(scaling.alarms).toBe(2 * tracking + alarms.size - telling.size);
  });
});

test('dev watches what loses work or users, production early signs too', () => {
  expect([...stages.dev.telling.keys()].sort()).toEqual([
    'database-storage',
    'dead-tasks',
    'load-balancer-5xx',
    'queue-memory',
    'scheduler-silence',
    'unclaimable-tasks',
    'web-5xx',
    'web-unhealthy',
    'worker-default-oldest-age',
  ]);
  expect([...stages.production.telling.keys()].sort()).toEqual([
    'cache-evictions',
    'database-connections',
    'database-cpu',
    'database-memory',
    'database-storage',
    'dead-tasks',
    'fleet-full',
    'load-balancer-5xx',
    'queue-connections',
    'queue-cpu',
    'queue-evictions',
    'queue-memory',
    'queue-replication-lag',
    'scheduler-memory',
    'scheduler-silence',
    'unclaimable-tasks',
    'web-5xx',
    'web-latency',
    'web-memory',
    'web-unhealthy',
    'worker-default-backlog',
    'worker-default-heartbeats',
    'worker-default-memory',
    'worker-default-oldest-age',
  ]);
});

test('cost no more than the prices were reckoned with', () => {
  const counts = Object.entries(stages).map(([stage, { configuration }]) => ({
    stage,
    ...countAlarms(configuration),
    watched: watchedCounts(configuration),
  }));
  console.info(JSON.stringify(counts, undefined, 2));
  const [dev, production] = counts;
  expect(dev!.telling.billed).toBeLessThanOrEqual(10);
  expect(dev!.watched).toEqual({ alarms: 10 + 11, customMetrics: 6 });
  expect(production!.telling.billed).toBeLessThanOrEqual(30);
  expect(production!.watched).toEqual({ alarms: 29 + 11, customMetrics: 6 });
});

describe('thresholds', () => {
  const { dev, production } = stages;

  test('of age, backlog and latency are the configuration’s', () => {
    const { configuration, telling } = production;
    expect(telling.get('worker-default-oldest-age')!.Threshold).toBe(configuration.alarms.oldestAgeSeconds);
    expect(telling.get('worker-default-backlog')!.Threshold).toBe(configuration.alarms.backlogTasks);
    expect(telling.get('web-latency')).toMatchObject({
      Threshold: configuration.alarms.latencySeconds,
      ExtendedStatistic: 'p95',
      EvaluateLowSampleCountPercentile: 'ignore',
    });
  });

  test('of the database follow its size', () => {
    expect(dev.telling.get('database-storage')!.Threshold).toBe(2 * GIB);
    // db.t4g.small: 2 GiB, of which 5 % stay free, and 225 connections by RDS's formula.
    expect(production.telling.get('database-memory')!.Threshold).toBe(102 * 1_024 ** 2);
    expect(production.telling.get('database-connections')!.Threshold).toBe(202);
  });

  test('of failed requests follow what the web service takes', () => {
    expect(dev.telling.get('web-5xx')!.Threshold).toBe(5);
    expect(production.telling.get('web-5xx')!.Threshold).toBe(6);
  });

  test('of CPU count the host on small nodes and the engine’s core on large ones', () => {
    expect(production.telling.get('queue-cpu')!.Threshold).toBe(45);
    expect(JSON.stringify(production.telling.get('queue-cpu'))).toContain('"CPUUtilization"');
    const large = monitoredStage(
      'production',
      changed('production', {
        budgetUsdPerMonth: undefined,
        redis: { queue: { nodeType: 'cache.r7g.xlarge', replicas: 1 }, cache: { nodeType: 'cache.t4g.micro' } },
      }),
    );
    expect(large.telling.get('queue-cpu')!.Threshold).toBe(90);
    expect(JSON.stringify(large.telling.get('queue-cpu'))).toContain('"EngineCPUUtilization"');
  });

  test('look at every node of the queue, since a failover moves the primary', () => {
    const { Metrics } = production.telling.get('queue-memory')!;
    expect(Metrics?.find(({ Expression }) => Expression !== undefined)?.Expression).toBe('MAX([node1, node2])');
  });

  test('leave keys that give way alone where the cache shares the node', () => {
    expect(dev.telling.has('queue-evictions')).toBe(false);
    expect(production.telling.get('queue-evictions')!.Threshold).toBe(0);
  });

  test('of a shared node’s memory count only where next to nothing could give way', () => {
    const { Metrics, Threshold } = dev.telling.get('queue-memory')!;
    expect(Threshold).toBe(90);
    expect(Metrics?.find(({ Expression }) => Expression !== undefined)?.Expression).toBe(
      'IF(expiring < 100, memory, 0)',
    );
    expect(JSON.stringify(Metrics)).toMatch(/CurrVolatileItems.*DatabaseMemoryUsagePercentage/);
  });

  test('of a shared node with replicas read each node’s memory, and its expiring keys once', () => {
    const redis = { queue: { nodeType: 'cache.t4g.micro', replicas: 1 }, cache: 'shared' };
    const { telling, configuration } = monitoredStage('dev', changed('dev', { redis, budgetUsdPerMonth: undefined }));
    expect(metricsRead(telling.get('queue-memory')!)).toBe(3);
    const read = [...telling.values()].reduce((sum, alarm) => sum + metricsRead(alarm), 0);
    expect(countAlarms(configuration).telling).toEqual({ alarms: telling.size, billed: read });
  });
});

describe('no data', () => {
  const { telling } = stages.production;
  const meaning = (name: string) => telling.get(name)!.TreatMissingData;

  test('is the trouble itself for the scheduler’s beat and the workers’ heartbeats', () => {
    expect(meaning('scheduler-silence')).toBe('breaching');
    expect(meaning('worker-default-heartbeats')).toBe('breaching');
  });

  test('is no error for requests, and changes nothing for tasks', () => {
    expect(meaning('web-5xx')).toBe('notBreaching');
    expect(meaning('load-balancer-5xx')).toBe('notBreaching');
    expect(meaning('worker-default-oldest-age')).toBe('ignore');
    expect(meaning('dead-tasks')).toBe('ignore');
    expect(meaning('unclaimable-tasks')).toBe('ignore');
  });

  test('counts from when the services have started', () => {
    const [silence] = Object.values(
      stages.dev.stateless.findResources('AWS::CloudWatch::Alarm', {
        Properties: { AlarmName: 'holdfast-dev-scheduler-silence' },
      }),
    );
    expect(JSON.stringify(silence?.DependsOn)).toMatch(/Scheduler\w*Service/);
  });
});

describe('other engines', () => {
  const celery = { taskEngine: 'celery', migration: undefined };
  const taskAlarms = (names: Iterable<string>) =>
    [...names].filter((name) => /worker|dead|unclaimable|scheduler/.test(name)).sort();

  test('Celery has no ages and no dead tasks, so its backlog is watched in dev too', () => {
    const { alarms, configuration } = monitoredStage('dev', changed('dev', celery));
    expect(taskAlarms(alarms.keys())).toEqual(['scheduler-silence', 'worker-default-backlog']);
    expect(countAlarms(configuration).telling.alarms).toBe(alarms.size);
  });

  test('for Celery a key that gave way may be a lost task, so it is told everywhere', () => {
    const own = {
      ...celery,
      redis: { queue: { nodeType: 'cache.t4g.micro', replicas: 0 }, cache: { nodeType: 'cache.t4g.micro' } },
    };
    expect(
      monitoredStage('dev', changed('dev', { ...own, budgetUsdPerMonth: undefined })).alarms.has('queue-evictions'),
    ).toBe(true);
  });

  test('of a custom engine no task is known', () => {
    const { alarms, configuration } = monitoredStage('dev', changed('dev', { taskEngine: 'custom' }));
    expect(taskAlarms(alarms.keys())).toEqual([]);
    expect(watchedCounts(configuration).customMetrics).toBe(0);
    expect(countAlarms(configuration).telling.alarms).toBe(alarms.size);
  });
});

test('Spot instances have an alarm of their own for a fleet that is full', () => {
  const fleet = { spot: { instanceTypes: ['t4g.medium'], max: 3 } };
  const { telling, configuration } = monitoredStage('production', changed('production', { fleet }));
  expect(telling.get('fleet-spot-full')).toMatchObject({
    Threshold: 100,
    AlarmDescription: expect.stringContaining('the maximum of 3 instances') as string,
  });
  expect(JSON.stringify(telling.get('fleet-spot-full'))).toContain('FleetSpotCapacityProvider');
  expect(JSON.stringify(telling.get('fleet-full'))).toContain('FleetOnDemandCapacityProvider');
  expect(countAlarms(configuration).telling.alarms).toBe(telling.size);
});

test('the alarm that wakes a kind on a metric of its own is counted', () => {
  const metric = { namespace: 'Mine', name: 'Waiting', target: 7 };
  const scalingOf = (min: number) => {
    const workers = { default: { scaling: { min, max: 2, metric } } };
    return countAlarms(resolveStage(changed('dev', { taskEngine: 'custom', workers }), 'dev')).scaling;
  };
  const [awake, asleep] = [scalingOf(1), scalingOf(0)];
  expect(asleep).toEqual({ alarms: awake.alarms + 1, billed: awake.billed + 1 });
});

test('every kind of worker has alarms of its own', () => {
  const { workers } = reference;
  const more = {
    workers: { ...workers, images: { command: ['work'], queues: [{ name: 'images' }], scaling: { max: 2 } } },
  };
  const { telling, configuration } = monitoredStage('dev', changed('dev', { fleet: { max: 6 } }, more));
  expect(telling.has('worker-images-oldest-age')).toBe(true);
  expect(countAlarms(configuration).telling.alarms).toBe(telling.size);
  expect(watchedCounts(configuration).customMetrics).toBe(10);
});

describe('deployments', () => {
  const { stateless, stateful } = stages.production;

  test('of the web service are rolled back by alarms that exist, named and not referred to', () => {
    const [service] = Object.values(
      stateless.findResources('AWS::ECS::Service', { Properties: { ServiceName: 'web' } }),
    );
    const { Alarms } = (service?.Properties as { DeploymentConfiguration: { Alarms: { AlarmNames: string[] } } })
      .DeploymentConfiguration;
    expect(Alarms).toEqual({
      Enable: true,
      Rollback: true,
      AlarmNames: ['holdfast-production-web-5xx', 'holdfast-production-web-unhealthy'],
    });
    for (const name of Alarms.AlarmNames) {
      stateless.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: name });
    }
  });

  test('that fail are told, of this stage’s cluster only', () => {
    stateless.hasResourceProperties('AWS::Events::Rule', {
      Name: 'holdfast-production-deployment-failed',
      EventPattern: {
        source: ['aws.ecs'],
        'detail-type': ['ECS Deployment State Change'],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
        resources: [{ prefix: Match.anyValue() }],
      },
      Targets: [Match.objectLike({ InputTransformer: Match.anyValue() })],
    });
  });

  test('may publish to the topic, by rules of this stage', () => {
    stateful.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Sid: 'EventsOfThisStage',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sns:Publish',
            Condition: { ArnLike: { 'aws:SourceArn': Match.anyValue() } },
          }),
        ]),
      },
    });
  });
});

test('the set of alarms is what the configuration says', () => {
  expect(resolveStage(reference, 'dev').alarms.set).toBe('essential');
  expect(resolveStage(reference, 'production').alarms.set).toBe('all');
});
