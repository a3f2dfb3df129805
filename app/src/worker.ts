import { ECSClient } from '@aws-sdk/client-ecs';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { readConfiguration } from './configuration/configuration';
import type { Configuration } from './configuration/configuration';
import { openMessenger } from './contacts/messenger';
import { sendCodeHandler } from './contacts/send-code.handler';
import { ENVIRONMENT, PLATFORM_ENVIRONMENT } from './contract';
import { importFilmsHandler } from './imports/import.handler';
import { sweepUploadsHandler } from './imports/sweep-uploads.handler';
import { describeEngine } from './metrics/engine-metrics';
import { startMetricsServer } from './metrics/metrics-server';
import { newsHandlers } from './news/news.handlers';
import { discardObjectHandler } from './objects/discard.task';
import { openObjectStore } from './objects/open-object-store';
import { makePosterHandler } from './posters/make-poster.handler';
import { sweepPostersHandler } from './posters/sweep-posters.handler';
import { enginePool } from './postgres/connection';
import { acceptRemindersHandler } from './reminders/accept-reminders.handler';
import { limitReminders } from './reminders/reminders.task';
import { sendReminderHandler } from './reminders/send-reminder.handler';
import { askPostgres, untilAvailable } from './postgres/wait-for-postgres';
import { probeHandler } from './probes/probe.handler';
import { EcsAgentClient } from './process/ecs-agent.client';
import { openEngine } from './process/engine';
import { orExit, runUntilSignal } from './process/lifecycle';
import type { Stoppable } from './process/lifecycle';
import { createLogger } from './process/logger';
import { ScaleInProtection } from './process/scale-in-protection';
import type { Worker } from './tasks';
import { openTracing } from './tracing/open-tracing';

/** For all that the start needs of it; a container counts as unhealthy 120 s after its start at the earliest (engineHealthCheck). */
const DATABASE_WAIT_SECONDS = 60;

/** @param signal ends the wait for the database. */
async function startWorker(
  configuration: Configuration<'worker'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<Stoppable> {
  const pool = enginePool({ ...configuration, poolSize: configuration.databasePoolSize, process: 'worker' });
  const tasks = openEngine(configuration, pool, logger);
  const tracing = await openTracing({ ...configuration, process: 'worker', logger });
  const objects = openObjectStore(configuration.objectsUrl);
  const messenger = openMessenger(configuration);
  const library = { name: configuration.libraryName, ...configuration };
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = await startMetricsServer({
    registry,
    refresh: [describeEngine(registry, tasks)],
    host: configuration.listenHost,
    port: configuration.metricsPort,
    logger,
  });
  const handlers = [
    importFilmsHandler({ tasks, objects }),
    discardObjectHandler(objects),
    sweepUploadsHandler(objects),
    acceptRemindersHandler({ tasks, clock: configuration }),
    sendReminderHandler({ messenger, library }),
    sendCodeHandler({ messenger, library }),
    makePosterHandler({ tasks, objects }),
    sweepPostersHandler(objects),
    ...newsHandlers({ tasks }),
    probeHandler({ receiverUrl: configuration.probeReceiverUrl }),
  ];
  const start = async (): Promise<Worker> => {
    await askPostgres(pool);
    await limitReminders(tasks);
    return tasks.startWorker({
      handlers: tracing?.traceHandlers(tasks, handlers) ?? handlers,
      queues: configuration.workerQueues,
      concurrency: configuration.workerConcurrency,
      kind: configuration.workerKind,
    });
  };
  // All of it: a database that has just come is slow, and may go again.
  const worker = await untilAvailable(start, { limitSeconds: DATABASE_WAIT_SECONDS, logger, signal });
  const { workerKind, workerQueues, workerConcurrency } = configuration;
  logger.info(
    { worker: worker.id, kind: workerKind, queues: workerQueues, concurrency: workerConcurrency },
    'worker started',
  );
  const protection = protect(configuration, worker, logger);
  return {
    failed: worker.failed,
    stop: async (drainSeconds) => {
      const unprotected = protection?.stop();
      await worker.stop({ deadlineSeconds: drainSeconds });
      await unprotected;
      await tasks.close();
      await tracing?.close();
      await metrics.close();
    },
  };
}

function protect(
  configuration: Configuration<'worker'>,
  worker: Worker,
  logger: Logger,
): ScaleInProtection | undefined {
  const { scaleInProtection, ecsAgentUri, ecsMetadataUri } = configuration;
  if (!scaleInProtection) return undefined;
  if (ecsAgentUri === undefined) {
    logger.warn(
      `${ENVIRONMENT.scaleInProtection} is on without ${PLATFORM_ENVIRONMENT.ecsAgentUri}: this is no task of Amazon ECS, and nothing is protected`,
    );
    return undefined;
  }
  const agent = new EcsAgentClient(ecsAgentUri, ecsMetadataUri);
  return new ScaleInProtection({ worker, agent, ecs: new ECSClient(), logger });
}

const configuration = orExit(() => readConfiguration('worker', process.env));
const logger = createLogger('worker', configuration.logLevel, process.pid);
void runUntilSignal({ logger, drainSeconds: configuration.drainSeconds }, (signal) =>
  startWorker(configuration, logger, signal),
);
