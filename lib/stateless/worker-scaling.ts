import { Duration } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { ApplicationScalingAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import { alarmName } from '../config';
import type { StageConfiguration, WorkerConfiguration } from '../config';
import { METRIC_PERIOD, TaskMetrics, writtenMetrics } from '../observability/metrics';

export interface WorkerScalingProps {
  readonly service: ecs.Ec2Service;
  /** The worker's name in the configuration. */
  readonly kind: string;
  readonly configuration: StageConfiguration;
  readonly worker: WorkerConfiguration;
}

/**
 * A new container counts as a running worker after its image is pulled and, where the fleet must grow, an instance has
 * booted and joined: two to three minutes. Until then the backlog per worker is divided by the old number and would
 * order the same workers again.
 */
const SCALE_OUT_COOLDOWN = Duration.minutes(3);
/**
 * One step down at most every five minutes: with what a worker of some cents an hour costs, waiting is cheaper than
 * stopping one and starting it again. The policy's own alarm wants 15 quiet minutes before the first step anyway.
 */
const SCALE_IN_COOLDOWN = Duration.minutes(5);
/** From nothing, an instance may have to boot first; a second step before that would start two for one task. */
const WAKE_COOLDOWN = Duration.minutes(5);

/**
 * Scales the containers of a worker kind between scaling.min and scaling.max; nothing at all where the two are equal.
 *
 * One policy may take containers away: target tracking. The others only add, and target tracking sees what they act
 * on, so that it does not take back what they gave (https://github.com/aws/aws-cdk/issues/20706).
 *
 * A busy worker asks Amazon ECS for task scale-in protection, so that an idle one is chosen. While more run than are
 * wanted, it gives its protection up and drains when it is chosen all the same (docs/adr/0008): a service that always has
 * work scales in too, and no task is lost by it.
 */
export function scaleWorker(scope: Construct, props: WorkerScalingProps): void {
  const { min, max } = props.worker.scaling;
  if (min === max) return;
  const scaling = new Construct(scope, 'Scaling');
  const target = props.service.autoScaleTaskCount({ minCapacity: min, maxCapacity: max });
  switch (writtenMetrics(props.configuration)) {
    case 'none':
      scaleOnOwnMetric(scaling, target, props);
      return;
    case 'celery':
      trackBacklog(target, props);
      break;
    case 'all':
      trackBacklogAndAge(scaling, target, props);
      addWorkerWhileTasksWait(scaling, target, props);
      break;
  }
  if (min === 0) wakeFromZero(scaling, target, props);
}

/** Minutes above its target after which target tracking scales out. */
const TRACKING_PERIODS = 3;

/** What target tracking uses for a custom metric: the statistic given, by the minute. */
const TRACKING = { scaleInCooldown: SCALE_IN_COOLDOWN, scaleOutCooldown: SCALE_OUT_COOLDOWN } as const;

function scaleOnOwnMetric(scope: Construct, target: ecs.ScalableTaskCount, props: WorkerScalingProps): void {
  const { min, metric: own, cpuPercent } = props.worker.scaling;
  if (own === undefined) {
    target.scaleOnCpuUtilization('Cpu', { ...TRACKING, targetUtilizationPercent: cpuPercent });
    return;
  }
  const metric = new cloudwatch.Metric({
    namespace: own.namespace,
    metricName: own.name,
    dimensionsMap: own.dimensions,
    statistic: 'Average',
    period: METRIC_PERIOD,
  });
  target.scaleToTrackCustomMetric('Metric', { ...TRACKING, targetValue: own.target, metric });
  if (min === 0) wakeOnOwnMetric(scope, target, metric, own.target, props);
}

/**
 * The first worker of a kind whose running workers nobody counts. The alarm sounds where target tracking scales out as
 * well, at the target and after as many minutes: below it tracking would take away again what the alarm gives.
 */
function wakeOnOwnMetric(
  scope: Construct,
  target: ecs.ScalableTaskCount,
  metric: cloudwatch.Metric,
  threshold: number,
  { configuration, kind }: WorkerScalingProps,
): void {
  scaleOutOn(scope, 'Wake', {
    target,
    name: alarmName(configuration, `worker-${kind}-wake`),
    description: `The metric of ${kind} has reached its target: the service gets one worker more, its first if none runs. Nothing to do.`,
    metric,
    threshold,
    periods: TRACKING_PERIODS,
    cooldown: WAKE_COOLDOWN,
  });
}

function trackBacklog(target: ecs.ScalableTaskCount, { configuration, kind, worker }: WorkerScalingProps): void {
  target.scaleToTrackCustomMetric('Backlog', {
    ...TRACKING,
    targetValue: worker.scaling.backlogPerWorker,
    metric: new TaskMetrics(configuration).backlogPerWorker(kind),
  });
}

/**
 * Holds the backlog per worker at its target. While the oldest task waits longer than allowed the policy sees at least
 * its target, which asks for nothing: without that it would take away, as too many for a short backlog of long tasks,
 * the workers that addWorkerWhileTasksWait adds for the same backlog.
 *
 * Written on the level of CloudFormation because aws-cdk-lib takes no metric math here. Target tracking reads by the
 * minute, scales out after 3 minutes above the target and in after 15 below 90 % of it.
 * https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking-metric-math.html
 */
function trackBacklogAndAge(
  scope: Construct,
  target: ecs.ScalableTaskCount,
  { configuration, kind, worker }: WorkerScalingProps,
): void {
  const { backlogPerWorker, oldestAgeSeconds } = worker.scaling;
  const metrics = new TaskMetrics(configuration);
  new appscaling.CfnScalingPolicy(scope, 'Backlog', {
    policyName: alarmName(configuration, `worker-${kind}-backlog-per-worker`),
    policyType: 'TargetTrackingScaling',
    scalingTargetId: target.scalableTargetRef.resourceId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: backlogPerWorker,
      scaleInCooldown: SCALE_IN_COOLDOWN.toSeconds(),
      scaleOutCooldown: SCALE_OUT_COOLDOWN.toSeconds(),
      customizedMetricSpecification: {
        metrics: [
          dataQuery('perWorker', metrics.backlogPerWorker(kind)),
          dataQuery('age', metrics.oldestAgeSeconds(kind)),
          {
            id: 'held',
            label: 'Backlog per worker, at least the target while tasks wait too long',
            expression: `IF((age >= ${oldestAgeSeconds}) AND (perWorker < ${backlogPerWorker}), ${backlogPerWorker}, perWorker)`,
            returnData: true,
          },
        ],
      },
    },
  });
}

function dataQuery(
  id: string,
  metric: cloudwatch.Metric,
): appscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty {
  return {
    id,
    returnData: false,
    metricStat: {
      stat: metric.statistic,
      metric: {
        namespace: metric.namespace,
        metricName: metric.metricName,
        dimensions: Object.entries(metric.dimensions ?? {}).map(([name, value]) => ({ name, value: String(value) })),
      },
    },
  };
}

/** One worker more whenever the oldest task has waited oldestAgeSeconds, every three minutes until it does not. */
function addWorkerWhileTasksWait(
  scope: Construct,
  target: ecs.ScalableTaskCount,
  { configuration, kind, worker }: WorkerScalingProps,
): void {
  const { oldestAgeSeconds } = worker.scaling;
  scaleOutOn(scope, 'OldestAge', {
    target,
    name: alarmName(configuration, `worker-${kind}-scale-out`),
    description: `The oldest task of ${kind} has waited ${oldestAgeSeconds} s: the service gets one worker more. Nothing to do; the alarm ${alarmName(configuration, `worker-${kind}-oldest-age`)} tells people.`,
    metric: new TaskMetrics(configuration).oldestAgeSeconds(kind),
    threshold: oldestAgeSeconds,
    cooldown: SCALE_OUT_COOLDOWN,
  });
}

/**
 * The first worker for the first task: target tracking multiplies what runs, and nothing times anything is nothing.
 * RunningWorkers comes from the ledger, so a worker that starts counts only once it takes tasks.
 */
function wakeFromZero(
  scope: Construct,
  target: ecs.ScalableTaskCount,
  { configuration, kind }: WorkerScalingProps,
): void {
  const metrics = new TaskMetrics(configuration);
  scaleOutOn(scope, 'Wake', {
    target,
    name: alarmName(configuration, `worker-${kind}-wake`),
    description: `Tasks of ${kind} wait and no worker runs: the service gets its first worker. Nothing to do.`,
    metric: new cloudwatch.MathExpression({
      expression: 'IF(workers < 1, backlog, 0)',
      usingMetrics: { workers: metrics.runningWorkers(kind), backlog: metrics.backlog(kind) },
      label: 'Backlog while no worker runs',
      period: METRIC_PERIOD,
    }),
    threshold: 1,
    cooldown: WAKE_COOLDOWN,
  });
}

interface ScaleOut {
  readonly target: ecs.ScalableTaskCount;
  readonly name: string;
  readonly description: string;
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  /** Periods of the metric that must reach it, one after another. @default 1 */
  readonly periods?: number;
  readonly cooldown: Duration;
}

/** Adds one container when the metric reaches the threshold, and again after each cooldown while it stays there. */
function scaleOutOn(scope: Construct, id: string, { target, cooldown, ...alarm }: ScaleOut): void {
  const action = new appscaling.StepScalingAction(scope, `${id}Step`, {
    policyName: alarm.name,
    scalingTarget: target,
    adjustmentType: appscaling.AdjustmentType.CHANGE_IN_CAPACITY,
    metricAggregationType: appscaling.MetricAggregationType.MAXIMUM,
    cooldown,
  });
  action.addAdjustment({ adjustment: 1, lowerBound: 0 });
  new cloudwatch.Alarm(scope, `${id}Alarm`, {
    alarmName: alarm.name,
    alarmDescription: alarm.description,
    metric: alarm.metric,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold: alarm.threshold,
    evaluationPeriods: alarm.periods ?? 1,
    // Nobody waits that anybody knows of; a silent scheduler has an alarm of its own.
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
  }).addAlarmAction(new ApplicationScalingAction(action));
}
