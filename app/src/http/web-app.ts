import type { FastifyBaseLogger } from 'fastify';
import type { Queryable } from '../films/film-store';
import { registerFilmRoutes } from '../films/films.routes';
import { registerHealthRoutes } from '../health/health.routes';
import { registerImportRoutes } from '../imports/imports.routes';
import type { ObjectStore } from '../objects/object-store';
import { registerProbeRoutes } from '../probes/probes.routes';
import { registerQueueRoutes } from '../queues/queues.routes';
import { registerScheduleRoutes } from '../schedules/schedules.routes';
import { registerTaskEventRoutes } from '../task-api/task-events.routes';
import { registerResolveRoute } from '../task-api/resolve.routes';
import { registerTaskRoutes } from '../task-api/tasks.routes';
import type { Tasks } from '../tasks';
import type { App } from './app';
import { authorizeAdministrator } from './authorization';
import type { FinishedRequest } from './request-log';
import { createServer } from './server';

export interface WebAppDependencies {
  readonly logger: FastifyBaseLogger;
  readonly tasks: Tasks;
  readonly database: Queryable;
  readonly objects: ObjectStore;
  /** Undefined switches administration off. */
  readonly adminToken: string | undefined;
  readonly probesAllowed: boolean;
  readonly onFinished: (finished: FinishedRequest) => void;
}

/** The web server with all its routes, not yet listening. */
export async function createWebApp(dependencies: WebAppDependencies): Promise<App> {
  const { tasks, database, adminToken } = dependencies;
  const app = await createServer(dependencies);
  const authorize = authorizeAdministrator(adminToken);
  registerHealthRoutes(app, tasks, database);
  registerFilmRoutes(app, database);
  registerImportRoutes(app, dependencies);
  registerTaskRoutes(app, { tasks, authorize });
  registerResolveRoute(app, { tasks, authorize });
  registerTaskEventRoutes(app, tasks);
  registerScheduleRoutes(app, tasks);
  registerQueueRoutes(app, { tasks, authorize });
  registerProbeRoutes(app, { ...dependencies, authorize });
  await app.ready();
  return app;
}
