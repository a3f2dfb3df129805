import type { FastifyBaseLogger } from 'fastify';
import type { CacheStore } from '../cache/cache-store';
import { PageCache } from '../cache/page-cache';
import type { Channel } from '../configuration/channels';
import { Contacts } from '../contacts/contacts';
import { registerContactRoutes } from '../contacts/contacts.routes';
import type { Queryable } from '../postgres/queryable';
import { registerFilmRoutes } from '../films/films.routes';
import { registerHealthRoutes } from '../health/health.routes';
import type { Library } from '../library/library';
import { registerNewsRoutes } from '../news/news.routes';
import { problemPageSender, pageSender } from '../pages/page';
import { registerPages } from '../pages/register-pages';
import { registerImportRoutes } from '../imports/imports.routes';
import type { ObjectStore } from '../objects/object-store';
import { tellAway } from '../objects/tell-away';
import { postersOfDeleted } from '../posters/discard-posters';
import { registerPosterRoutes } from '../posters/posters.routes';
import { registerProbeRoutes } from '../probes/probes.routes';
import { registerQueueRoutes } from '../queues/queues.routes';
import { Reminders } from '../reminders/reminders';
import { registerReminderRoutes } from '../reminders/reminders.routes';
import { registerScreeningRoutes } from '../screenings/screenings.routes';
import { Screenings } from '../screenings/screenings';
import { StaffSessions } from '../staff/sessions';
import { registerScheduleRoutes } from '../schedules/schedules.routes';
import { registerTaskEventRoutes } from '../task-api/task-events.routes';
import { registerResolveRoute } from '../task-api/resolve.routes';
import { registerTaskRoutes } from '../task-api/tasks.routes';
import type { Tasks } from '../tasks';
import type { Tracing } from '../tracing/tracing';
import type { App } from './app';
import { authorizeAdministrator } from './authorization';
import { CLIENT_LIMITS, limitClients } from './client-limits';
import type { ClientLimits } from './client-limits';
import type { FinishedRequest } from './request-log';
import { createServer } from './server';

export interface WebAppDependencies {
  readonly logger: FastifyBaseLogger;
  readonly tasks: Tasks;
  readonly database: Queryable;
  readonly objects: ObjectStore;
  /** Undefined switches administration off. */
  readonly adminToken: string | undefined;
  /** Undefined: there is no cache. */
  readonly cacheStore: CacheStore | undefined;
  readonly library: Library;
  /** How readers may be written to. */
  readonly contactChannels: readonly Channel[];
  /** HH:MM in the library's zone: when reminders go out. */
  readonly reminderTime: string;
  /** Of a catcher of mail, whose messages a page then shows. */
  readonly outboxUrl?: string | undefined;
  readonly probesAllowed: boolean;
  /** @default CLIENT_LIMITS */
  readonly clientLimits?: ClientLimits | undefined;
  readonly onFinished: (finished: FinishedRequest) => void;
  /** @default requests are in no span */
  readonly tracing?: Tracing | undefined;
}

/** The web server with all its routes, not yet listening. */
export async function createWebApp(given: WebAppDependencies): Promise<App> {
  const dependencies = { ...given, objects: tellAway(given.objects) };
  const { tasks, database, adminToken } = dependencies;
  const sessions = new StaffSessions(adminToken);
  const send = pageSender({ ...dependencies, sessions });
  const app = await createServer({ ...dependencies, sendProblemPage: problemPageSender(send) });
  const limits = await limitClients(app, dependencies.clientLimits ?? CLIENT_LIMITS);
  const cache = new PageCache({ store: dependencies.cacheStore, group: 'screenings' });
  const contacts = new Contacts(dependencies);
  const clock = { timeZone: dependencies.library.timeZone, reminderTime: dependencies.reminderTime };
  const reminders = new Reminders({ database, contacts, clock });
  const screenings = new Screenings({ tasks, database, cache }, [postersOfDeleted(tasks)]);
  const authorize = authorizeAdministrator(adminToken);
  registerHealthRoutes(app, tasks, database);
  registerFilmRoutes(app, database);
  registerImportRoutes(app, dependencies);
  registerTaskRoutes(app, { tasks, authorize });
  registerResolveRoute(app, { tasks, authorize });
  registerTaskEventRoutes(app, tasks);
  registerScheduleRoutes(app, { tasks, authorize });
  registerQueueRoutes(app, { tasks, authorize });
  registerScreeningRoutes(app, { screenings, cache, authorize });
  registerContactRoutes(app, { contacts, limits });
  registerReminderRoutes(app, reminders);
  registerPosterRoutes(app, { ...dependencies, screenings, authorize });
  registerNewsRoutes(app, database);
  registerProbeRoutes(app, { ...dependencies, authorize });
  await registerPages(app, { ...dependencies, sessions, send, limits, cache, screenings, contacts, reminders });
  await app.ready();
  return app;
}
