import { changed, monitoredStage } from '../observability/monitored-stage';
import type { MonitoredStage } from '../observability/monitored-stage';

interface Policy {
  readonly PolicyName: string;
  readonly PolicyType: 'TargetTrackingScaling' | 'StepScaling';
  readonly ScalingTargetId: unknown;
  readonly TargetTrackingScalingPolicyConfiguration?: {
    readonly TargetValue: number;
    readonly DisableScaleIn?: boolean;
    readonly ScaleInCooldown: number;
    readonly ScaleOutCooldown: number;
    readonly CustomizedMetricSpecification?: Record<string, unknown>;
    readonly PredefinedMetricSpecification?: { readonly PredefinedMetricType: string };
  };
  readonly StepScalingPolicyConfiguration?: {
    readonly AdjustmentType: string;
    readonly Cooldown: number;
    readonly StepAdjustments: readonly {
      readonly ScalingAdjustment: number;
      readonly MetricIntervalLowerBound: number;
    }[];
  };
}

interface WorkerScaling {
  readonly stage: MonitoredStage;
  readonly policies: readonly Policy[];
  readonly targets: readonly { readonly MinCapacity: number; readonly MaxCapacity: number }[];
  readonly targetIds: readonly string[];
}

/** What scales the worker kind `default` when it is configured so. */
function scaling(worker: object, overrides: object = {}): WorkerScaling {
  const stage = monitoredStage('dev', changed('dev', { ...overrides, workers: { default: worker } }));
  const ofWorker = (type: string) =>
    Object.entries(stage.stateless.findResources(type)).filter(([id]) => id.startsWith('Worker'));
  const targets = ofWorker('AWS::ApplicationAutoScaling::ScalableTarget');
  return {
    stage,
    policies: ofWorker('AWS::ApplicationAutoScaling::ScalingPolicy').map(([, { Properties }]) => Properties as Policy),
    targets: targets.map(([, { Properties }]) => Properties as WorkerScaling['targets'][number]),
    targetIds: targets.map(([id]) => id),
  };
}

const canScaleIn = ({
  TargetTrackingScalingPolicyConfiguration: tracking,
  StepScalingPolicyConfiguration: step,
}: Policy) =>
  tracking === undefined
    ? step?.AdjustmentType !== 'ChangeInCapacity' || step.StepAdjustments.some((each) => each.ScalingAdjustment < 0)
    : tracking.DisableScaleIn !== true;

const tracking = ({ policies }: WorkerScaling) =>
  policies.find(({ PolicyType }) => PolicyType === 'TargetTrackingScaling')!.TargetTrackingScalingPolicyConfiguration!;

describe.each([
  ['the durable engine', {}, { min: 1, max: 4 }],
  ['the durable engine from nothing', {}, { min: 0, max: 4 }],
  ['Celery', { taskEngine: 'celery' }, { min: 1, max: 4 }],
  ['Celery from nothing', { taskEngine: 'celery' }, { min: 0, max: 4 }],
  ['a custom engine', { taskEngine: 'custom' }, { min: 1, max: 4 }],
  [
    'a custom engine with a metric',
    { taskEngine: 'custom' },
    { min: 1, max: 4, metric: { namespace: 'Mine', name: 'Waiting', dimensions: { Queue: 'a' }, target: 7 } },
  ],
  [
    'a custom engine with a metric from nothing',
    { taskEngine: 'custom' },
    { min: 0, max: 4, metric: { namespace: 'Mine', name: 'Waiting', target: 7 } },
  ],
])('scaling workers of %s', (_, overrides, limits) => {
  const scaled = scaling({ scaling: limits }, overrides);

  test('has exactly one policy that takes containers away', () => {
    expect(scaled.policies.filter(canScaleIn)).toHaveLength(1);
  });

  test('stays between the limits, with all policies on the one target', () => {
    expect(scaled.targets).toEqual([expect.objectContaining({ MinCapacity: limits.min, MaxCapacity: limits.max })]);
    for (const { ScalingTargetId } of scaled.policies) expect(ScalingTargetId).toEqual({ Ref: scaled.targetIds[0] });
  });

  test('waits for what it ordered before it orders again', () => {
    expect(tracking(scaled)).toMatchObject({ ScaleOutCooldown: 180, ScaleInCooldown: 300 });
    for (const { StepScalingPolicyConfiguration: step } of scaled.policies) {
      if (step !== undefined) expect(step.Cooldown).toBeGreaterThanOrEqual(180);
    }
  });
});

describe('workers of the durable engine', () => {
  const scaled = scaling({ scaling: { min: 1, max: 4, backlogPerWorker: 50, oldestAgeSeconds: 90 } });

  test('keep a backlog each, and none is taken away while tasks wait too long', () => {
    const dimension = { Dimensions: [{ Name: 'WorkerKind', Value: 'default' }], Namespace: 'Holdfast/holdfast-dev' };
    expect(tracking(scaled)).toMatchObject({
      TargetValue: 50,
      CustomizedMetricSpecification: {
        Metrics: [
          {
            Id: 'perWorker',
            MetricStat: { Metric: { MetricName: 'BacklogPerWorker', ...dimension }, Stat: 'Average' },
            ReturnData: false,
          },
          {
            Id: 'age',
            MetricStat: { Metric: { MetricName: 'OldestAgeSeconds', ...dimension }, Stat: 'Maximum' },
            ReturnData: false,
          },
          { Id: 'held', Expression: 'IF((age >= 90) AND (perWorker < 50), 50, perWorker)', ReturnData: true },
        ],
      },
    });
  });

  test('get one more whenever the oldest task has waited too long, and never fewer for it', () => {
    const alarm = scaled.stage.alarms.get('worker-default-scale-out')!;
    expect(alarm).toMatchObject({
      MetricName: 'OldestAgeSeconds',
      Threshold: 90,
      Period: 60,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    });
    const step = scaled.policies.find(({ PolicyType }) => PolicyType === 'StepScaling')!;
    expect(step.StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [{ ScalingAdjustment: 1, MetricIntervalLowerBound: 0 }],
    });
    expect(JSON.stringify(alarm.AlarmActions)).toMatch(/OldestAgeStep/);
  });

  test('are not woken where one always runs', () => {
    expect(scaled.stage.alarms.has('worker-default-wake')).toBe(false);
  });

  test('are not counted by heartbeats where none needs to run', () => {
    const own = { alarms: { set: 'all' } };
    expect(scaling({ scaling: { min: 0, max: 2 } }, own).stage.alarms.has('worker-default-heartbeats')).toBe(false);
    expect(scaling({ scaling: { min: 1, max: 2 } }, own).stage.alarms.has('worker-default-heartbeats')).toBe(true);
  });
});

test.each(['holdfast', 'celery'])('the first task wakes the first worker of %s', (taskEngine) => {
  const { stage } = scaling({ scaling: { min: 0, max: 2 } }, { taskEngine });
  const alarm = stage.alarms.get('worker-default-wake')!;
  expect(alarm).toMatchObject({ Threshold: 1, EvaluationPeriods: 1 });
  expect(alarm.Metrics!.map(({ Expression }) => Expression)).toContain('IF(workers < 1, backlog, 0)');
});

describe('workers of a custom engine', () => {
  test('hold the metric that the configuration names', () => {
    const metric = { namespace: 'Mine', name: 'Waiting', dimensions: { Queue: 'a' }, target: 7 };
    expect(tracking(scaling({ scaling: { min: 1, max: 2, metric } }, { taskEngine: 'custom' }))).toMatchObject({
      TargetValue: 7,
      CustomizedMetricSpecification: {
        Namespace: 'Mine',
        MetricName: 'Waiting',
        Dimensions: [{ Name: 'Queue', Value: 'a' }],
        Statistic: 'Average',
      },
    });
  });

  test('are woken from nothing by that metric, where nothing takes away what they get', () => {
    const metric = { namespace: 'Mine', name: 'Waiting', dimensions: { Queue: 'a' }, target: 7 };
    const of = (min: number) => scaling({ scaling: { min, max: 2, metric } }, { taskEngine: 'custom' });
    const { stage, policies } = of(0);
    const alarm = stage.alarms.get('worker-default-wake')!;
    expect(alarm).toMatchObject({
      Namespace: 'Mine',
      MetricName: 'Waiting',
      Dimensions: [{ Name: 'Queue', Value: 'a' }],
      Statistic: 'Average',
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: 7,
      EvaluationPeriods: 3,
      TreatMissingData: 'notBreaching',
    });
    expect(JSON.stringify(alarm.AlarmActions)).toMatch(/WakeStep/);
    const step = policies.find(({ PolicyType }) => PolicyType === 'StepScaling')!;
    expect(step.StepScalingPolicyConfiguration).toMatchObject({
      AdjustmentType: 'ChangeInCapacity',
      Cooldown: 300,
      StepAdjustments: [{ ScalingAdjustment: 1, MetricIntervalLowerBound: 0 }],
    });
    expect(of(1).stage.alarms.has('worker-default-wake')).toBe(false);
  });

  test('hold the CPU where it names none', () => {
    expect(tracking(scaling({ scaling: { min: 1, max: 2, cpuPercent: 55 } }, { taskEngine: 'custom' }))).toMatchObject({
      TargetValue: 55,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
    });
  });
});

test('a fixed number of workers has nothing that scales it', () => {
  const { policies, targets, stage } = scaling({ scaling: { min: 2, max: 2 } });
  expect({ policies, targets }).toEqual({ policies: [], targets: [] });
  expect([...stage.alarms.keys()].filter((name) => /scale-out|wake/.test(name))).toEqual([]);
});
