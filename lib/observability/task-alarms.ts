import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { IDependable } from 'constructs';
import type { StageConfiguration } from '../config';
import { TaskMetrics, writtenMetrics } from './metrics';
import type { ServiceAlarmsProps } from './service-alarms';
import type { StageAlarms } from './stage-alarms';

/** Minutes without a metric, or with too few workers, until somebody is told: longer than a container's restart. */
const SILENT_MINUTES = 5;

/** Minutes of a task that no worker knows until somebody is told. */
const UNCLAIMABLE_MINUTES = 10;

/** Alarms on the metrics that the scheduler writes; none where it writes none. */
export function addTaskAlarms(alarms: StageAlarms, { configuration, workers, scheduler }: ServiceAlarmsProps): void {
  const written = writtenMetrics(configuration);
  if (written === 'none') return;
  const metrics = new TaskMetrics(configuration);
  const all = configuration.alarms.set === 'all';
  for (const [kind, { scaling }] of Object.entries(configuration.workers)) {
    if (written === 'all') addAge(alarms, configuration, kind, metrics);
    // Celery's messages carry no time of their own, so its backlog stands in for the age.
    if (all || written === 'celery') addBacklog(alarms, configuration, kind, metrics);
    if (all && scaling.min > 0) {
      const alarm = addWorkers(alarms, kind, scaling.min, metrics);
      afterStart(alarm, workers.get(kind)?.service, scheduler?.service);
    }
  }
  if (written === 'all') {
    addDead(alarms, metrics);
    addUnclaimable(alarms, metrics);
  }
  afterStart(addSilence(alarms, metrics), scheduler?.service);
}

function addAge(
  alarms: StageAlarms,
  { alarms: { oldestAgeSeconds } }: StageConfiguration,
  kind: string,
  metrics: TaskMetrics,
): void {
  alarms.add({
    what: `worker-${kind}-oldest-age`,
    metric: metrics.oldestAgeSeconds(kind),
    comparison: 'more than',
    threshold: oldestAgeSeconds,
    periods: 2,
    // A silent scheduler has an alarm of its own; an age that is not known has not become better.
    noData: 'ignore',
    meaning: `A task of ${kind} has waited for more than ${oldestAgeSeconds} s. It is not lost; it is late.`,
    firstStep:
      'see in the dashboard or in GET /api/queues of the app whether workers run and whether the backlog shrinks. If it grows, raise scaling.max of the worker; if no worker runs, read its log group.',
  });
}

function addBacklog(
  alarms: StageAlarms,
  { alarms: { backlogTasks } }: StageConfiguration,
  kind: string,
  metrics: TaskMetrics,
): void {
  alarms.add({
    what: `worker-${kind}-backlog`,
    metric: metrics.backlog(kind),
    comparison: 'more than',
    threshold: backlogTasks,
    periods: 5,
    noData: 'ignore',
    meaning: `More than ${backlogTasks} tasks of ${kind} have waited for 5 minutes: more come in than are done.`,
    firstStep:
      'see which queue grows in GET /api/queues of the app. If the tasks are wanted, raise scaling.max of the worker; if not, pause their source.',
  });
}

function addWorkers(alarms: StageAlarms, kind: string, min: number, metrics: TaskMetrics): cloudwatch.Alarm {
  return alarms.add({
    what: `worker-${kind}-heartbeats`,
    metric: metrics.runningWorkers(kind),
    comparison: 'less than',
    threshold: min,
    periods: SILENT_MINUTES,
    noData: 'breaching',
    meaning: `For ${SILENT_MINUTES} minutes fewer than ${min} workers of ${kind} have sent heartbeats: they do not start, or they hang.`,
    firstStep:
      'compare the running tasks of the service with the workers in GET /api/queues of the app. A container that runs without a heartbeat is to be stopped; one that does not start says why in its logs.',
  });
}

/**
 * A standing number, not its growth: the alarm ends when the last dead task was looked at, and does not sound again for
 * each one in between.
 */
function addDead(alarms: StageAlarms, metrics: TaskMetrics): void {
  alarms.add({
    what: 'dead-tasks',
    metric: metrics.deadTasks(),
    comparison: 'at least',
    threshold: 1,
    periods: 1,
    noData: 'ignore',
    meaning: 'At least one task failed for good, or stopped where only a person can decide. It stays until then.',
    firstStep:
      'read the reasons: npx holdfast retry lists the dead ones, the admin area the parked ones too. When the cause is mended: npx holdfast retry ID; of a parked one find out what happened: npx holdfast resolve ID sent, or not-sent.',
  });
}

/** Past the minutes in which a deploy has new tasks and old workers side by side. */
function addUnclaimable(alarms: StageAlarms, metrics: TaskMetrics): void {
  alarms.add({
    what: 'unclaimable-tasks',
    metric: metrics.unclaimableTasks(),
    comparison: 'at least',
    threshold: 1,
    periods: UNCLAIMABLE_MINUTES,
    noData: 'ignore',
    meaning: `For ${UNCLAIMABLE_MINUTES} minutes at least one due task has waited for a worker of its queue that knows its kind and version. It is not lost; it starts when there is one.`,
    firstStep:
      'see unknownKinds in GET /api/queues of the app. If the workers are older than what was accepted, finish the deploy or roll it forward; if the handler or the queue is gone for good, cancel its tasks.',
  });
}

function addSilence(alarms: StageAlarms, metrics: TaskMetrics): cloudwatch.Alarm {
  return alarms.add({
    what: 'scheduler-silence',
    metric: metrics.schedulerBeat(),
    comparison: 'less than',
    threshold: 1,
    periods: SILENT_MINUTES,
    noData: 'breaching',
    meaning: `The scheduler has written no metrics for ${SILENT_MINUTES} minutes: it does not run, or does not reach its database. Schedules are late, and neither scaling nor the other alarms on tasks see anything.`,
    firstStep: 'read its log group. If it hangs, stop its container; Amazon ECS starts another.',
  });
}

/** Silence counts from when the service has started, or every first deploy would sound the alarm. */
function afterStart(alarm: cloudwatch.Alarm, ...services: (IDependable | undefined)[]): void {
  alarm.node.addDependency(...services.filter((service) => service !== undefined));
}
