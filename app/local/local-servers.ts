import type { Folder } from './folder';
import { keptSecret } from './folder';
import { keptPorts } from './kept-ports';
import type { ProcessList } from './leftovers';
import type { Output } from './output';
import { createRestarter, type Restarter } from './restarter';
import { startPostgres } from './servers/postgres-server';
import { findRedis } from './servers/redis-program';
import { type Container, startRedis } from './servers/redis-server';

export interface LocalServers {
  readonly databaseUrl: string;
  readonly postgresPort: number;
  readonly queueRedisUrl: string;
  readonly cacheRedisUrl: string;
  /** Where the catcher of mail is to listen. */
  readonly smtpPort: number;
  readonly outboxPort: number;
  /** Where the sample feeds are to be served. */
  readonly feedsPort: number;
  /** Redis first, then PostgreSQL. */
  stop(): Promise<void>;
}

interface Stoppable {
  stop(): Promise<void>;
}

const DATABASE = 'holdfast';
const QUEUE_MEGABYTES = 256;
const CACHE_MEGABYTES = 64;
/** Lines of PostgreSQL that a person should see while everything runs, without the normal ones of a start or stop. */
const POSTGRES_NOTABLE = /\b(ERROR|FATAL|PANIC):(?!.*(the database system is|administrator command))/;

/**
 * Starts PostgreSQL and the two Redis servers, each of which is started again when it dies. When one cannot be started,
 * the others are stopped before the error is thrown.
 */
export async function startServers(folder: Folder, output: Output, processes: ProcessList): Promise<LocalServers> {
  const ports = await keptPorts(folder.ports, output.say);
  const program = await findRedis({ log: output.say });
  const password = keptSecret(folder.postgresPassword);
  const running: Supervised[] = [];

  /** Starts a server by `start`, whose callbacks are given, and keeps it running. */
  async function keep<S extends Stoppable & { restart(): Promise<void> }>(
    name: string,
    stopSignal: 'SIGTERM' | 'SIGINT',
    start: (callbacks: Callbacks) => Promise<S>,
  ): Promise<S> {
    const state: { server?: S } = {};
    const restarter = createRestarter({
      name,
      say: output.say,
      start: async () => {
        await state.server?.restart();
        output.say(`${name} runs again.`);
      },
    });
    const server = await start({
      onSpawn: (pid, container) =>
        processes.add({ name, pid, stopSignal, role: 'server', ...(container && { container }) }),
      onDeath: (ending) => restarter.died(ending),
    });
    state.server = server;
    running.push({ name, server, restarter });
    return server;
  }

  const redis = (name: 'queue' | 'cache', policy: 'noeviction' | 'allkeys-lru', maxMemoryMegabytes: number) =>
    keep(name, 'SIGTERM', (callbacks) =>
      startRedis({
        ...callbacks,
        directory: folder[name],
        port: ports[name],
        policy,
        maxMemoryMegabytes,
        program,
        purpose: `the ${name}`,
        log: output.serverLog(name),
      }),
    );
  const postgres = () =>
    keep('postgres', 'SIGINT', (callbacks) =>
      startPostgres({
        ...callbacks,
        dataDirectory: folder.postgres,
        port: ports.postgres,
        password,
        database: DATABASE,
        log: output.serverLog('postgres', POSTGRES_NOTABLE),
      }),
    );

  const stop = () => stopAll(running);
  const starts = [
    postgres(),
    redis('queue', 'noeviction', QUEUE_MEGABYTES),
    redis('cache', 'allkeys-lru', CACHE_MEGABYTES),
  ] as const;
  try {
    const [database, queue, cache] = await Promise.all(starts);
    return {
      databaseUrl: database.url,
      postgresPort: ports.postgres,
      queueRedisUrl: queue.url,
      cacheRedisUrl: cache.url,
      smtpPort: ports.smtp,
      outboxPort: ports.outbox,
      feedsPort: ports.feeds,
      stop,
    };
  } catch (error) {
    await Promise.allSettled(starts);
    await stop();
    throw error;
  }
}

interface Callbacks {
  readonly onSpawn: (pid: number, container?: Container) => void;
  readonly onDeath: (ending: string) => void;
}

interface Supervised {
  readonly name: string;
  readonly server: Stoppable;
  readonly restarter: Restarter;
}

async function stopAll(running: readonly Supervised[]): Promise<void> {
  await Promise.all(running.map(({ restarter }) => restarter.cancel()));
  const isPostgres = ({ name }: Supervised) => name === 'postgres';
  for (const each of running.filter((one) => !isPostgres(one))) await each.server.stop();
  for (const each of running.filter(isPostgres)) await each.server.stop();
}
