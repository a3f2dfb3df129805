import type { Logger } from 'pino';
import { METRICS, METRICS_PERIOD_SECONDS } from '../contract';
import type { SystemStatus, Tasks } from '../tasks';

export interface CloudWatchMetricsOptions {
  readonly tasks: Pick<Tasks, 'status' | 'get'>;
  /** CloudWatch namespace that the metrics go to. */
  readonly namespace: string;
  /** The worker kinds with their queues; one line is written for each. */
  readonly kinds: readonly { readonly name: string; readonly queues: readonly string[] }[];
  /** Seconds after its last heartbeat that a worker counts as gone. */
  readonly leaseSeconds: number;
  /** Takes one line with its line feed: standard output, past the logger, which would wrap it. */
  readonly write: (line: string) => void;
  readonly logger: Logger;
  /** Seconds between two writings. @default METRICS_PERIOD_SECONDS */
  readonly periodSeconds?: number;
}

interface Value {
  readonly value: number;
  readonly unit: 'Count' | 'Seconds';
}

/** No task has it; asking for it shows whether PostgreSQL answers now, which a count that is kept for a while does not. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Writes METRICS now and every `periodSeconds` in CloudWatch's embedded metric format, one line of JSON each: CloudWatch
 * Logs turns them into metrics. When PostgreSQL does not answer nothing is written, not even zeros, so that the alarm on
 * the silence of SchedulerBeat sounds.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function publishMetrics(options: CloudWatchMetricsOptions): { stop(): Promise<void> } {
  const { tasks, logger } = options;
  let publishing: Promise<void> | undefined;
  const publish = async (): Promise<void> => {
    try {
      const status = await tasks.status();
      await tasks.get(NOBODY);
      for (const line of metricLines(options, status, Date.now())) options.write(`${line}\n`);
    } catch (error) {
      logger.warn({ err: error }, 'no metrics written: the database does not answer');
    }
  };
  const publishUnlessBusy = (): void => {
    publishing ??= publish().finally(() => (publishing = undefined));
  };
  publishUnlessBusy();
  const timer = setInterval(publishUnlessBusy, (options.periodSeconds ?? METRICS_PERIOD_SECONDS) * 1000);
  return {
    stop: async () => {
      clearInterval(timer);
      await publishing;
    },
  };
}

/** One line for each kind of worker, and one without a dimension. `timestampMs`: milliseconds since 1970. */
function metricLines(options: CloudWatchMetricsOptions, status: SystemStatus, timestampMs: number): string[] {
  const line = (values: Readonly<Record<string, Value>>, kind?: string): string =>
    JSON.stringify({
      _aws: {
        Timestamp: timestampMs,
        CloudWatchMetrics: [
          {
            Namespace: options.namespace,
            Dimensions: [kind === undefined ? [] : [METRICS.dimension]],
            Metrics: Object.entries(values).map(([Name, { unit }]) => ({ Name, Unit: unit })),
          },
        ],
      },
      ...(kind === undefined ? {} : { [METRICS.dimension]: kind }),
      ...Object.fromEntries(Object.entries(values).map(([name, { value }]) => [name, value])),
    });
  const needPerson = status.queues.reduce((sum, queue) => sum + queue.dead + queue.parked, 0);
  const served = new Set(options.kinds.flatMap(({ queues }) => queues));
  const unserved = status.queues.filter(({ name }) => !served.has(name)).reduce((sum, { backlog }) => sum + backlog, 0);
  const unclaimable = status.unknownKinds.reduce((sum, kind) => sum + kind.count, unserved);
  return [
    ...options.kinds.map((kind) => line(valuesOf(kind, status, options.leaseSeconds), kind.name)),
    line({
      [METRICS.deadTasks]: count(needPerson),
      [METRICS.unclaimableTasks]: count(unclaimable),
      [METRICS.schedulerBeat]: count(1),
    }),
  ];
}

function valuesOf(
  kind: CloudWatchMetricsOptions['kinds'][number],
  status: SystemStatus,
  leaseSeconds: number,
): Record<string, Value> {
  const queues = status.queues.filter((queue) => kind.queues.includes(queue.name));
  const backlog = queues.reduce((sum, queue) => sum + queue.backlog, 0);
  const running = status.workers.filter(
    // The ledger keeps a silent worker until another one finds it; with all of them gone nobody does.
    (worker) => worker.kind === kind.name && !worker.draining && worker.heartbeatAgeSeconds <= leaseSeconds,
  ).length;
  return {
    [METRICS.backlog]: count(backlog),
    [METRICS.oldestAgeSeconds]: {
      value: Math.max(0, ...queues.map((queue) => queue.oldestAgeSeconds)),
      unit: 'Seconds',
    },
    [METRICS.runningWorkers]: count(running),
    [METRICS.backlogPerWorker]: count(backlog / Math.max(1, running)),
  };
}

function count(value: number): Value {
  return { value, unit: 'Count' };
}
