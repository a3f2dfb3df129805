import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Logger } from 'pino';
import { CacheStore } from './cache/cache-store';
import { readConfiguration } from './configuration/configuration';
import type { Configuration } from './configuration/configuration';
import { createWebApp } from './http/web-app';
import { describeEngine } from './metrics/engine-metrics';
import { describeLedger } from './metrics/ledger-metrics';
import { startMetricsServer } from './metrics/metrics-server';
import { describeRequests } from './metrics/request-metrics';
import { FolderObjectStore } from './objects/folder-object-store';
import type { ObjectStore } from './objects/object-store';
import { openObjectStore } from './objects/open-object-store';
import { openPool, webPools } from './postgres/connection';
import { openEngine } from './process/engine';
import { orExit, runUntilSignal } from './process/lifecycle';
import type { Stoppable } from './process/lifecycle';
import { createLogger } from './process/logger';
import { openTracing } from './tracing/open-tracing';

/** Older than any upload that is still under way. */
const ABANDONED_UPLOAD_SECONDS = 3600;

async function startWeb(configuration: Configuration<'web'>, logger: Logger): Promise<Stoppable> {
  const pools = webPools({ ...configuration, poolSize: configuration.databasePoolSize, process: 'web' });
  const tasks = openEngine(configuration, pools.engine, logger);
  const tracing = await openTracing({ ...configuration, process: 'web', logger });
  const database = openPool(pools.app, logger);
  const objects = openObjectStore(configuration.objectsUrl);
  await deleteAbandoned(objects, logger);
  const { cacheRedisUrl } = configuration;
  const cacheStore = cacheRedisUrl === undefined ? undefined : new CacheStore(cacheRedisUrl, logger);

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const app = await createWebApp({
    ...configuration,
    logger,
    tasks,
    database,
    objects,
    cacheStore,
    library: { name: configuration.libraryName, ...configuration },
    probesAllowed: configuration.probes,
    onFinished: describeRequests(registry),
    tracing,
  });
  const metrics = await startMetricsServer({
    registry,
    refresh: [describeEngine(registry, tasks), describeLedger(registry, tasks)],
    host: configuration.listenHost,
    port: configuration.metricsPort,
    logger,
  });
  await app.listen({
    host: configuration.listenHost,
    port: configuration.port,
    listenTextResolver: (address) => `web listening at ${address}`,
  });
  return {
    stop: async (drainSeconds) => {
      const cut = setTimeout(() => app.server.closeAllConnections(), drainSeconds * 1000);
      await app.close();
      clearTimeout(cut);
      await metrics.close();
      await tracing?.close();
      await tasks.close();
      cacheStore?.close();
      await database.end();
    },
  };
}

/** In a folder; a bucket's own lifecycle rule does the same. */
async function deleteAbandoned(objects: ObjectStore, logger: Logger): Promise<void> {
  if (!(objects instanceof FolderObjectStore)) return;
  const abandoned = await objects.deleteUnfinished(ABANDONED_UPLOAD_SECONDS);
  if (abandoned > 0) logger.info({ abandoned }, 'abandoned uploads deleted');
}

const configuration = orExit(() => readConfiguration('web', process.env));
const logger = createLogger('web', configuration.logLevel, process.pid);
void runUntilSignal({ logger, drainSeconds: configuration.drainSeconds }, () => startWeb(configuration, logger));
