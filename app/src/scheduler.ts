import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { readConfiguration } from './configuration/configuration';
import type { Configuration } from './configuration/configuration';
import { publishMetrics } from './metrics/cloudwatch-metrics';
import { describeEngine } from './metrics/engine-metrics';
import { describeLedger } from './metrics/ledger-metrics';
import { startMetricsServer } from './metrics/metrics-server';
import { enginePool } from './postgres/connection';
import { openEngine } from './process/engine';
import { orExit, runUntilSignal } from './process/lifecycle';
import type { Stoppable } from './process/lifecycle';
import { createLogger } from './process/logger';
import { reportQueues } from './queues/queue-report';
import { schedulesOf } from './schedules/schedules';
import type { Tasks } from './tasks';

/**
 * Accepts the tasks of the app's schedules, publishes the gauges of queues and workers, logs a line of them every half
 * minute, and writes the metrics that the deployment scales and alarms by.
 */
async function startScheduler(configuration: Configuration<'scheduler'>, logger: Logger): Promise<Stoppable> {
  const pool = enginePool({ ...configuration, poolSize: configuration.databasePoolSize, process: 'scheduler' });
  const tasks = openEngine(configuration, pool, logger);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = await startMetricsServer({
    registry,
    refresh: [describeEngine(registry, tasks), describeLedger(registry, tasks)],
    host: configuration.listenHost,
    port: configuration.metricsPort,
    logger,
  });
  const scheduler = tasks.startScheduler({ schedules: schedulesOf(configuration) });
  const report = reportQueues(tasks, logger);
  const published = publish(configuration, tasks, logger);
  return {
    stop: async () => {
      await scheduler.stop();
      await report.stop();
      await published?.stop();
      await tasks.close();
      await metrics.close();
    },
  };
}

function publish(
  { metricsNamespace, workerKinds, leaseSeconds }: Configuration<'scheduler'>,
  tasks: Tasks,
  logger: Logger,
): { stop(): Promise<void> } | undefined {
  if (metricsNamespace === undefined || workerKinds === undefined) return undefined;
  const write = (line: string): void => void process.stdout.write(line);
  return publishMetrics({ tasks, namespace: metricsNamespace, kinds: workerKinds, leaseSeconds, write, logger });
}

const configuration = orExit(() => readConfiguration('scheduler', process.env));
const logger = createLogger('scheduler', configuration.logLevel, process.pid);
void runUntilSignal({ logger, drainSeconds: configuration.drainSeconds }, () => startScheduler(configuration, logger));
