import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { readConfiguration } from './configuration/configuration';
import type { Configuration } from './configuration/configuration';
import { importFilmsHandler } from './imports/import.handler';
import { describeEngine } from './metrics/engine-metrics';
import { startMetricsServer } from './metrics/metrics-server';
import { discardObjectHandler } from './objects/discard.task';
import { FolderObjectStore } from './objects/folder-object-store';
import { enginePool } from './postgres/connection';
import { waitForPostgres } from './postgres/wait-for-postgres';
import { probeHandler } from './probes/probe.handler';
import { openEngine } from './process/engine';
import { orExit, runUntilSignal } from './process/lifecycle';
import type { Stoppable } from './process/lifecycle';
import { createLogger } from './process/logger';

const DATABASE_WAIT_SECONDS = 60;

async function startWorker(configuration: Configuration<'worker'>, logger: Logger): Promise<Stoppable> {
  const pool = enginePool({ ...configuration, poolSize: configuration.databasePoolSize, process: 'worker' });
  const tasks = openEngine(configuration, pool, logger);
  const objects = new FolderObjectStore(configuration.objectsFolder);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = await startMetricsServer({
    registry,
    refresh: [describeEngine(registry, tasks)],
    host: configuration.listenHost,
    port: configuration.metricsPort,
    logger,
  });
  await waitForPostgres(pool, DATABASE_WAIT_SECONDS, logger);
  const worker = await tasks.startWorker({
    handlers: [importFilmsHandler({ tasks, objects }), discardObjectHandler(objects), probeHandler()],
    queues: configuration.workerQueues,
    concurrency: configuration.workerConcurrency,
  });
  const { workerQueues, workerConcurrency } = configuration;
  logger.info({ worker: worker.id, queues: workerQueues, concurrency: workerConcurrency }, 'worker started');
  return {
    stop: async (drainSeconds) => {
      await worker.stop({ deadlineSeconds: drainSeconds });
      await tasks.close();
      await metrics.close();
    },
  };
}

const configuration = orExit(() => readConfiguration('worker', process.env));
const logger = createLogger('worker', configuration.logLevel, process.pid);
void runUntilSignal({ logger, drainSeconds: configuration.drainSeconds }, () => startWorker(configuration, logger));
