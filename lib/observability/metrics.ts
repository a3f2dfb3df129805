import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { METRICS } from '../../app/src/contract';
import type { StageConfiguration } from '../config';

/**
 * Metrics are written every 30 s without a storage resolution, so CloudWatch keeps them by the minute: 60 s is the
 * shortest period that alarms on them may have, and the one that target tracking uses.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html
 */
export const METRIC_PERIOD = Duration.minutes(1);

/** CloudWatch namespace of the stage's own metrics; the scheduler gets it as METRICS_NAMESPACE. */
export function metricsNamespace({ name, stage }: Pick<StageConfiguration, 'name' | 'stage'>): string {
  return `Holdfast/${name}-${stage}`;
}

/** Which of METRICS are written for the stage: all, those that Celery's Redis shows, or none. */
export function writtenMetrics({
  taskEngine,
  scheduler,
}: Pick<StageConfiguration, 'taskEngine' | 'scheduler'>): 'all' | 'celery' | 'none' {
  if (taskEngine === 'custom' || scheduler === undefined) return 'none';
  return taskEngine === 'celery' ? 'celery' : 'all';
}

/** How many custom metrics CloudWatch bills for the stage, each by the month. */
export function countMetrics(configuration: StageConfiguration): number {
  const kinds = Object.keys(configuration.workers).length;
  switch (writtenMetrics(configuration)) {
    case 'none':
      return 0;
    case 'celery':
      return 3 * kinds + 1;
    case 'all':
      return 4 * kinds + 2;
  }
}

/**
 * The metrics that the scheduler writes (app/src/contract.ts, METRICS). All are gauges of which a minute holds two, so
 * none is ever summed but the beat.
 */
export class TaskMetrics {
  readonly namespace: string;

  constructor(configuration: Pick<StageConfiguration, 'name' | 'stage'>) {
    this.namespace = metricsNamespace(configuration);
  }

  /** Tasks of the kind's queues that are due and not started. */
  backlog(kind: string): cloudwatch.Metric {
    return this.metric(METRICS.backlog, 'Average', kind);
  }

  /** Seconds that the oldest of them has waited. */
  oldestAgeSeconds(kind: string): cloudwatch.Metric {
    return this.metric(METRICS.oldestAgeSeconds, 'Maximum', kind);
  }

  /** Workers of the kind that are alive and take tasks. */
  runningWorkers(kind: string): cloudwatch.Metric {
    return this.metric(METRICS.runningWorkers, 'Maximum', kind);
  }

  /** Backlog divided by running workers. */
  backlogPerWorker(kind: string): cloudwatch.Metric {
    return this.metric(METRICS.backlogPerWorker, 'Average', kind);
  }

  /** Tasks of all queues that need a person: dead and parked ones. */
  deadTasks(): cloudwatch.Metric {
    return this.metric(METRICS.deadTasks, 'Maximum');
  }

  /** Tasks that no worker can run. */
  unclaimableTasks(): cloudwatch.Metric {
    return this.metric(METRICS.unclaimableTasks, 'Maximum');
  }

  /** How often the metrics were written in a minute: twice. */
  schedulerBeat(): cloudwatch.Metric {
    return this.metric(METRICS.schedulerBeat, 'Sum');
  }

  private metric(metricName: string, statistic: string, kind?: string): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: this.namespace,
      metricName,
      statistic,
      period: METRIC_PERIOD,
      ...(kind === undefined ? {} : { dimensionsMap: { [METRICS.dimension]: kind } }),
    });
  }
}
