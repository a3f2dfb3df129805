import { join } from 'node:path';
import type { InjectOptions, Response } from 'light-my-request';
import { Pool } from 'pg';
import { pino } from 'pino';
import { CacheStore } from '../../src/cache/cache-store';
import { startMailCatcher } from '../../local/outbox/mail-catcher';
import type { MailCatcher } from '../../local/outbox/mail-catcher';
import { openMessenger } from '../../src/contacts/messenger';
import { sendCodeHandler } from '../../src/contacts/send-code.handler';
import { acceptRemindersHandler } from '../../src/reminders/accept-reminders.handler';
import { limitReminders } from '../../src/reminders/reminders.task';
import { sendReminderHandler } from '../../src/reminders/send-reminder.handler';
import { CLIENT_LIMITS } from '../../src/http/client-limits';
import type { ClientLimits } from '../../src/http/client-limits';
import { createWebApp } from '../../src/http/web-app';
import type { App } from '../../src/http/app';
import { importFilmsHandler } from '../../src/imports/import.handler';
import { sweepUploadsHandler } from '../../src/imports/sweep-uploads.handler';
import { newsHandlers } from '../../src/news/news.handlers';
import { discardObjectHandler } from '../../src/objects/discard.task';
import { FolderObjectStore } from '../../src/objects/folder-object-store';
import { makePosterHandler } from '../../src/posters/make-poster.handler';
import { sweepPostersHandler } from '../../src/posters/sweep-posters.handler';
import { webPools } from '../../src/postgres/connection';
import { migrateAll } from '../../src/postgres/migrate-all';
import { probeHandler } from '../../src/probes/probe.handler';
import { createTasks } from '../../src/tasks';
import type { TaskHandler, Tasks, TasksOptions } from '../../src/tasks';
import { currentTrace } from '../../src/tracing/current-trace';
import type { Tracing } from '../../src/tracing/tracing';
import { createLedgerDatabase, redisUrl } from '../servers/databases';
import { testFolder } from '../servers/private-servers';

export const ADMIN_TOKEN = 'a-token-for-tests-0123';
export const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

export const LIBRARY = { name: 'Test Library', timeZone: 'Europe/Berlin', publicUrl: 'http://library.test' };

export interface TestAppOptions {
  /** @default a token that ADMIN carries */
  readonly adminToken?: string | undefined;
  /** @default true */
  readonly probesAllowed?: boolean;
  /** @default more codes than a test asks for, and sign-ins as in CLIENT_LIMITS */
  readonly clientLimits?: Partial<ClientLimits>;
  /** @default a new database of the shared server, migrated */
  readonly databaseUrl?: string;
  /** Redis of the cache. @default none, everything is computed */
  readonly cacheUrl?: string;
  readonly tasks?: (tasks: Tasks) => Tasks;
  /** Of web and worker. @default none */
  readonly tracing?: Tracing;
}

export interface TestApp {
  readonly app: App;
  readonly tasks: Tasks;
  readonly database: Pool;
  readonly databaseUrl: string;
  readonly objects: FolderObjectStore;
  readonly objectsFolder: string;
  /** What the worker sends is caught here. */
  readonly catcher: MailCatcher;
  /** Every line that was logged, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  request(options: InjectOptions): Promise<Response>;
  /** Starts a worker for all of the app's tasks. */
  startWorker(handlers?: readonly TaskHandler[]): Promise<void>;
  close(): Promise<void>;
}

/** The whole web app without a port, on a database of its own. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const created = options.databaseUrl === undefined ? await createLedgerDatabase() : undefined;
  const databaseUrl = options.databaseUrl ?? created!.url;
  await migrateAll({ connectionString: databaseUrl });
  const logLines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'debug' },
    { write: (line) => logLines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const pools = webPools({ databaseUrl, poolSize: 8, process: 'test' });
  const engine: TasksOptions = { postgres: pools.engine, redisUrl: redisUrl(1), logger, trace: currentTrace };
  const tasks = createTasks(engine);
  const database = new Pool(pools.app);
  database.on('error', () => undefined);
  const objectsFolder = join(testFolder('objects'), 'store');
  const objects = new FolderObjectStore(objectsFolder);
  const cacheStore = options.cacheUrl === undefined ? undefined : new CacheStore(options.cacheUrl, logger);
  const catcher = await startMailCatcher({ smtpPort: 0, httpPort: 0 });
  const app = await createWebApp({
    logger,
    tasks: options.tasks?.(tasks) ?? tasks,
    database,
    objects,
    adminToken: 'adminToken' in options ? options.adminToken : ADMIN_TOKEN,
    cacheStore,
    library: LIBRARY,
    contactChannels: ['email', 'sms'],
    reminderTime: '09:00',
    outboxUrl: `http://127.0.0.1:${catcher.httpPort}`,
    probesAllowed: options.probesAllowed ?? true,
    clientLimits: { ...CLIENT_LIMITS, codesAnHour: 10_000, codeTriesAnHour: 10_000, ...options.clientLimits },
    onFinished: () => undefined,
    tracing: options.tracing,
  });
  const smtp = { kind: 'smtp', host: '127.0.0.1', port: catcher.smtpPort } as const;
  const messenger = openMessenger({
    mailUrl: smtp,
    mailFrom: 'Test Library <post@library.test>',
    smsUrl: { ...smtp, domain: 'sms.localhost' },
  });
  const workers = createTasks({ ...engine, postgres: { connectionString: databaseUrl } });
  return {
    ...{ app, tasks, database, databaseUrl, objects, objectsFolder, catcher, logLines },
    request: (request) => app.inject(request),
    startWorker: async (handlers) => {
      await limitReminders(workers);
      const all = handlers ?? [
        importFilmsHandler({ tasks: workers, objects }),
        discardObjectHandler(objects),
        sweepUploadsHandler(objects),
        acceptRemindersHandler({ tasks: workers, clock: { ...LIBRARY, reminderTime: '09:00' } }),
        sendReminderHandler({ messenger, library: LIBRARY }),
        sendCodeHandler({ messenger, library: LIBRARY }),
        makePosterHandler({ tasks: workers, objects }),
        sweepPostersHandler(objects),
        ...newsHandlers({ tasks: workers }),
        probeHandler(),
      ];
      await workers.startWorker({
        handlers: options.tracing?.traceHandlers(workers, all) ?? all,
        queues: [
          { name: 'default' },
          { name: 'imports' },
          { name: 'reminders' },
          { name: 'images' },
          { name: 'collect' },
          { name: 'probes' },
        ],
      });
    },
    close: async () => {
      await app.close();
      cacheStore?.close();
      await workers.close();
      await tasks.close();
      await database.end();
      await catcher.close();
      await created?.drop();
    },
  };
}

/** Asks until `found` returns something, at most 30 s. */
export async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until the task has ended and returns its state. */
export function untilFinished(tasks: Tasks, id: string): Promise<string> {
  return eventually(async () => {
    const task = await tasks.get(id);
    return task !== undefined && task.finishedAt !== null ? task.state : undefined;
  }, `task ${id} ends`);
}

/** What every problem of these tests must look like. */
export function expectProblem(response: Response, status: number, detail: string | RegExp): void {
  expect({ status: response.statusCode, type: response.headers['content-type'] }).toEqual({
    status,
    type: 'application/problem+json; charset=utf-8',
  });
  const body: { status: number; detail: string } = response.json();
  expect(body.status).toBe(status);
  if (typeof detail === 'string') expect(body.detail).toBe(detail);
  else expect(body.detail).toMatch(detail);
}
