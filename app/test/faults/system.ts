import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { freePort } from '../../local/servers/free-port';
import type { PostgresServer } from '../../local/servers/postgres-server';
import { isAlive, signal } from '../../local/servers/process-table';
import type { RedisServer } from '../../local/servers/redis-server';
import { waitUntil } from '../../local/servers/wait-until';
import { ENVIRONMENT, PATHS } from '../../src/contract';
import { startPrivatePostgres, startPrivateRedis, testFolder } from '../servers/private-servers';
import { AppProcess } from './app-process';
import type { AppProcessOptions } from './app-process';
import { HttpClient } from './http-client';
import { Journal } from './journal';
import { LedgerView } from './ledger-view';
import { Load } from './load';
import type { Pace } from './load';
import { LogBook } from './log-book';
import { brokenPromises } from './verdict';

const START_SECONDS = 30;
const DRAIN_SECONDS = 60;
/** Tasks that a worker runs at once. */
const CONCURRENCY = 20;
/** Connections that a worker has for them. */
export const POOL_SIZE = 10;

interface Addresses {
  /** Of the app. */
  readonly port: number;
  readonly token: string;
  /** One for each process. */
  readonly metricsPorts: number[];
}

/** PostgreSQL, Redis, one web process and two workers of its own, with the engine's default times. */
export class System {
  readonly log = new LogBook();
  readonly journal = new Journal();
  readonly client: HttpClient;
  readonly ledger: LedgerView;
  readonly redis: Redis;
  readonly web: AppProcess;
  readonly workers: readonly [AppProcess, AppProcess];
  private readonly migration: AppProcess;
  private readonly loads = new Set<Load>();

  /** Resolves when web is ready and both workers are registered. */
  static async start(): Promise<System> {
    const [postgres, redis] = await Promise.all([startPrivatePostgres(), startPrivateRedis()]);
    const [port = 0, ...metricsPorts] = await freePorts(5);
    const system = new System(postgres, redis, { port, token: randomBytes(24).toString('hex'), metricsPorts });
    try {
      await system.migration.runToEnd();
      await Promise.all(system.processes.map((process) => process.start()));
      return system;
    } catch (error) {
      await system.stop();
      throw error;
    }
  }

  private constructor(
    private readonly postgres: PostgresServer,
    readonly redisServer: RedisServer,
    { port, token, metricsPorts }: Addresses,
  ) {
    this.client = new HttpClient(port, token);
    this.ledger = new LedgerView(postgres.url);
    this.redis = new Redis(redisServer.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    this.redis.on('error', () => undefined);
    const environment = this.environment(port, token);
    const describe = (name: string, entry: AppProcessOptions['entry'], ready: AppProcessOptions['ready']) =>
      new AppProcess({
        ...{ name, entry, ready, log: this.log, metricsPort: metricsPorts.pop() ?? 0 },
        // One line a request would bury what the workers say.
        environment: { ...environment, [ENVIRONMENT.logLevel]: entry === 'web.ts' ? 'warn' : 'info' },
      });
    this.migration = describe('migrate', 'migrate.ts', () => Promise.resolve());
    this.web = describe('web', 'web.ts', () => this.webReady());
    this.workers = [
      describe('worker-1', 'worker.ts', (pid) => this.workerReady(pid)),
      describe('worker-2', 'worker.ts', (pid) => this.workerReady(pid)),
    ];
  }

  get processes(): readonly AppProcess[] {
    return [this.web, ...this.workers];
  }

  /** Callers that go on until `heal` or `stop`, or until the test stops them. */
  startLoad(pace: Pace): Load {
    const load = new Load(this.client, this.journal, pace);
    this.loads.add(load);
    return load;
  }

  /** Id of the worker's present registration. */
  async registrationOf(worker: AppProcess): Promise<string> {
    const found = (await this.ledger.liveWorkers()).find(({ pid }) => pid === worker.pid);
    if (found === undefined) throw new Error(`${worker.name} is not registered`);
    return found.id;
  }

  /** How many ids the lanes' lists hold. */
  async idsInRedis(): Promise<number> {
    const lists = await this.redis.keys('*:lane:*');
    const lengths = await Promise.all(lists.map((list) => this.redis.llen(list)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** Whether every worker process draws from there, as GET /api/queues shows it. */
  async drawsFrom(source: 'redis' | 'postgres'): Promise<boolean> {
    const answer = await this.client.get('/api/queues');
    if (answer.status !== 200) throw new Error(`GET /api/queues answered ${answer.status}: ${answer.body}`);
    const { workers } = JSON.parse(answer.body) as { workers: { readonly pid: number; readonly source: string }[] };
    return this.workers.every(({ pid }) => workers.some((worker) => worker.pid === pid && worker.source === source));
  }

  /** Waits until every worker process draws from Redis. */
  async drawFromRedis(limitSeconds: number): Promise<void> {
    await waitUntil('/api/queues shows both workers drawing from Redis', () => this.drawsFrom('redis'), {
      limitSeconds,
      everyMilliseconds: 100,
    });
  }

  /** Waits until nothing is unfinished, and says what is wrong then. */
  async verdict(): Promise<string[]> {
    await waitUntil('the backlog has drained', async () => (await this.ledger.unfinished()) === 0, {
      limitSeconds: DRAIN_SECONDS,
      everyMilliseconds: 200,
    });
    return brokenPromises(this.ledger, this.journal.taskIds());
  }

  /** Makes everything whole for the next test, as a platform would that restarts what died. */
  async heal(): Promise<void> {
    for (const pid of [this.redisServer.pid, ...this.processes.map((process) => process.pid)]) signal(pid, 'SIGCONT');
    await this.stopLoads();
    if (!isAlive(this.redisServer.pid)) await this.redisServer.restart();
    await waitUntil('Redis answers the test', () => this.redis.status === 'ready', { limitSeconds: START_SECONDS });
    for (const process of this.processes) if (!process.alive) await process.start();
  }

  async stop(): Promise<void> {
    await this.stopLoads();
    await Promise.all(this.processes.map((process) => process.stop()));
    this.client.close();
    this.redis.disconnect();
    await this.ledger.close();
    await Promise.all([this.redisServer.stop(), this.postgres.stop()]);
  }

  private async stopLoads(): Promise<void> {
    await Promise.all([...this.loads].map((load) => load.stop()));
    this.loads.clear();
  }

  /** Of the app's variables only these, so that what is set for a developer's own run changes nothing here. */
  private environment(port: number, token: string): NodeJS.ProcessEnv {
    const others = Object.entries(process.env).filter(
      ([name]) => !Object.values(ENVIRONMENT).some((known) => known === name),
    );
    return {
      ...Object.fromEntries(others),
      [ENVIRONMENT.databaseUrl]: this.postgres.url,
      [ENVIRONMENT.databasePoolSize]: String(POOL_SIZE),
      [ENVIRONMENT.queueRedisUrl]: this.redisServer.url,
      [ENVIRONMENT.objectsUrl]: pathToFileURL(testFolder('objects')).href,
      [ENVIRONMENT.adminToken]: token,
      [ENVIRONMENT.listenHost]: '127.0.0.1',
      [ENVIRONMENT.port]: String(port),
      [ENVIRONMENT.probes]: 'on',
      [ENVIRONMENT.workerQueues]: 'probes',
      [ENVIRONMENT.workerConcurrency]: String(CONCURRENCY),
    };
  }

  private async webReady(): Promise<void> {
    await waitUntil(
      'web is ready',
      async () => (await this.client.get(PATHS.ready).catch(() => undefined))?.status === 200,
      { limitSeconds: START_SECONDS },
    );
  }

  private async workerReady(pid: number): Promise<void> {
    await waitUntil(
      'the worker is registered',
      async () => (await this.ledger.liveWorkers()).some((worker) => worker.pid === pid),
      { limitSeconds: START_SECONDS },
    );
  }
}

/** Ports that are free and differ. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
