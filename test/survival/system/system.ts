import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort } from '../../../app/local/servers/free-port';
import type { PostgresServer } from '../../../app/local/servers/postgres-server';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { ENVIRONMENT, PATHS, PLATFORM_ENVIRONMENT } from '../../../app/src/contract';
import { startFakeAgent } from '../../../app/test/process/ecs-agent';
import type { FakeAgent } from '../../../app/test/process/ecs-agent';
import { startPrivatePostgres, startPrivateRedis, testFolder } from '../../../app/test/servers/private-servers';
import { AppProcess } from './app-process';
import { takeOverClock } from './database-clock';
import { EffectReceiver } from './effect-receiver';
import { FeedServer } from './feed-server';
import { HttpClient } from './http-client';
import { Journal } from './journal';
import { LedgerView } from './ledger-view';
import { Link } from './link';
import { Load } from './load';
import type { Entrance, Pace } from './load';
import { LogBook } from './log-book';
import { MailServer } from './mail-server';

const run = promisify(execFile);
const START_SECONDS = 30;
/** Tasks that a worker runs at once. */
const CONCURRENCY = 20;
/** Connections that a worker has for them. */
export const POOL_SIZE = 10;
export const LIBRARY_ZONE = 'Europe/London';
/** Between two ticks of the schedule that collects news. */
export const NEWS_SECONDS = 1;

export interface SystemOptions {
  /** @default 0 */
  readonly schedulers?: 0 | 1 | 2;
  /** @default 1 */
  readonly webs?: 1 | 2;
  /** A cache Redis for the web processes. @default false */
  readonly cache?: boolean;
  /** A mail server that all mail is sent through. @default false */
  readonly mail?: boolean;
  /** A feed whose news are collected every second. @default false */
  readonly feed?: boolean;
  /** A clock of the database that can be set (database-clock.ts). @default false */
  readonly clock?: boolean;
  /** A stand-in for the Amazon ECS agent beside each worker, which asks it for protection from scale-in. @default false */
  readonly agents?: boolean;
  /** More variables of every process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** More variables of the workers, by their number from 0. */
  readonly workerEnvironment?: (worker: number) => NodeJS.ProcessEnv;
  /** Folder whose app/src a process runs instead of this repository's: another build. */
  readonly build?: (process: string) => string | undefined;
  /** @default all */
  readonly queues?: string;
}

/** The network between one process and the servers. */
export interface Links {
  readonly postgres: Link;
  readonly queue: Link;
  readonly cache: Link;
}

/** PostgreSQL, Redis and the app's processes of its own, with the engine's default times. */
export class System {
  readonly log = new LogBook();
  readonly journal: Journal;
  /** For single requests: the first web process, unless callers go through something else. */
  client: HttpClient;
  /** Whom loads ask in turn: every web process, unless they were told otherwise. */
  entrances: readonly Entrance[];
  /** One for each web process. */
  readonly clients: readonly HttpClient[];
  readonly ledger: LedgerView;
  redis: Redis;
  readonly webs: readonly AppProcess[];
  readonly workers: readonly [AppProcess, AppProcess];
  readonly schedulers: readonly AppProcess[];
  readonly token = randomBytes(24).toString('hex');
  /** The object store's folder. */
  readonly objects = join(testFolder('store'), 'objects');
  private readonly loads = new Set<Load>();

  /** Resolves when web is ready and both workers are registered. */
  static async start(options: SystemOptions = {}): Promise<System> {
    const dataDirectory = join(testFolder('postgres'), 'data');
    const [postgres, queue, cache] = await Promise.all([
      startPrivatePostgres({ dataDirectory }),
      startPrivateRedis(),
      startPrivateRedis({ policy: 'allkeys-lru' }),
    ]);
    const names = [
      ...Array.from({ length: options.webs ?? 1 }, (_, i) => `web-${i + 1}`),
      ...['worker-1', 'worker-2'],
      ...Array.from({ length: options.schedulers ?? 0 }, (_, i) => `scheduler-${i + 1}`),
    ];
    const parts = new Map<string, { links: Links; port: number; metricsPort: number }>();
    const ports = await freePorts(2 * names.length + 1);
    for (const name of [...names, 'migrate']) {
      const links = {
        postgres: await Link.to(postgres.port),
        queue: await Link.to(queue.port),
        cache: await Link.to(cache.port),
      };
      parts.set(name, { links, port: ports.pop() ?? 0, metricsPort: ports.pop() ?? 0 });
    }
    const outside = {
      receiver: await EffectReceiver.start(),
      mail: options.mail === true ? await MailServer.start() : undefined,
      feed: options.feed === true ? await FeedServer.start() : undefined,
      agents: options.agents === true ? [await startFakeAgent(), await startFakeAgent()] : [],
    };
    // No service: nothing but protection is asked for.
    for (const agent of outside.agents) agent.serviceName = undefined;
    const system = new System({ postgres, queue, cache }, dataDirectory, outside, parts, options);
    try {
      await system.migrate();
      if (options.clock === true) await takeOverClock(system.ledger);
      await Promise.all(system.processes.map((process) => process.start()));
      return system;
    } catch (error) {
      process.stderr.write(`${system.log.tail()}\n`);
      await system.stop();
      throw error;
    }
  }

  private constructor(
    readonly servers: { postgres: PostgresServer; queue: RedisServer; readonly cache: RedisServer },
    private readonly dataDirectory: string,
    private readonly outside: {
      readonly receiver: EffectReceiver;
      readonly mail: MailServer | undefined;
      readonly feed: FeedServer | undefined;
      readonly agents: readonly FakeAgent[];
    },
    private readonly parts: ReadonlyMap<string, { links: Links; port: number; metricsPort: number }>,
    private readonly options: SystemOptions,
  ) {
    this.journal = new Journal(join(testFolder('journal'), 'acknowledged.jsonl'));
    this.clients = this.namesOf('web').map((name) => new HttpClient(this.part(name).port, this.token));
    this.client = this.clients[0]!;
    this.entrances = this.namesOf('web').map((name, i) => ({ name, client: this.clients[i]! }));
    this.ledger = new LedgerView(servers.postgres.url);
    this.redis = clientOf(servers.queue);
    this.webs = this.namesOf('web').map((name, i) => this.process(name, 'web.ts', () => this.webReady(i)));
    const worker = (name: string): AppProcess => this.process(name, 'worker.ts', (pid) => this.workerReady(pid));
    this.workers = [worker('worker-1'), worker('worker-2')];
    this.schedulers = this.namesOf('scheduler').map((name) =>
      this.process(name, 'scheduler.ts', () => this.metricsReady(name)),
    );
  }

  /** Whom the probes of all workers call. */
  get receiver(): EffectReceiver {
    return this.outside.receiver;
  }

  /** @throws Error unless the row asked for one. */
  get mail(): MailServer {
    const { mail } = this.outside;
    if (mail === undefined) throw new Error('the system has no mail server');
    return mail;
  }

  /** The workers' agents, in their order. */
  get agents(): readonly FakeAgent[] {
    return this.outside.agents;
  }

  get processes(): readonly AppProcess[] {
    return [...this.webs, ...this.workers, ...this.schedulers];
  }

  /** The network between this process and the servers. */
  links(process: AppProcess): Links {
    return this.part(process.name).links;
  }

  /** Every process's link to one of the servers. */
  linksTo(server: keyof Links): Link[] {
    return this.processes.map((process) => this.links(process)[server]);
  }

  /** Runs the migration as a deployment does. @param newEpoch as after a restore */
  async migrate(newEpoch = false): Promise<void> {
    const process = this.process('migrate', 'migrate.ts', () => Promise.resolve(), newEpoch ? ['--new-epoch'] : []);
    await process.runToEnd();
  }

  /**
   * What a failover of the database does: the machine is gone without a word, and another one with the same data takes the
   * name over, which is another address.
   */
  async failOverPostgres(): Promise<void> {
    for (const link of this.linksTo('postgres')) link.silence();
    await this.servers.postgres.kill();
    this.servers.postgres = await startPrivatePostgres({ dataDirectory: this.dataDirectory });
    for (const link of this.linksTo('postgres')) link.lead(this.servers.postgres.port);
    await this.ledger.moveTo(this.servers.postgres.url);
  }

  /** From now on this is the queue, for the processes' new connections and for what is looked at. The old one lives on. */
  queueIsNow(server: RedisServer): void {
    this.redis.disconnect();
    this.servers.queue = server;
    this.redis = clientOf(server);
    for (const link of this.linksTo('queue')) link.lead(server.port);
  }

  /** A copy of the database's files, taken while it stands still. @returns its folder, for `restore` */
  async backUp(): Promise<string> {
    const folder = join(testFolder('backup'), 'data');
    await this.servers.postgres.stop();
    // With its owner, as PostgreSQL reads nobody else's files.
    await run('cp', ['-a', this.dataDirectory, folder]);
    await this.servers.postgres.restart();
    return folder;
  }

  async restore(folder: string): Promise<void> {
    await this.servers.postgres.stop();
    await rm(this.dataDirectory, { recursive: true });
    await run('cp', ['-a', folder, this.dataDirectory]);
    await this.servers.postgres.restart();
  }

  /** Of a path on the first web process. */
  address(path: string): string {
    return `http://127.0.0.1:${this.part('web-1').port}${path}`;
  }

  /** Of the web processes, in their order. */
  webPorts(): number[] {
    return this.webs.map(({ name }) => this.part(name).port);
  }

  /** From now on callers go through this port, each with a connection of its own, as through a load balancer. */
  callThrough(port: number): void {
    this.client = new HttpClient(port, this.token, 'new');
    this.entrances = [{ name: 'balancer', client: this.client }];
  }

  /** From now on loads ask this web process alone. */
  callOnly(web: AppProcess): void {
    this.entrances = this.entrances.filter(({ name }) => name === web.name);
  }

  /** Callers that go on until `stop`, or until the test stops them. */
  startLoad(pace: Pace): Load {
    const load = new Load(() => this.entrances, this.journal, pace);
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
    const lists = await this.lists();
    const lengths = await Promise.all(lists.map((list) => this.redis.llen(list)));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  /** The lanes' lists. */
  lists(): Promise<string[]> {
    return this.redis.keys('*:lane:*');
  }

  /** Whether every worker process draws from there, as GET /api/queues shows it. */
  async drawsFrom(source: 'redis' | 'postgres'): Promise<boolean> {
    const answer = await this.client.get('/api/queues');
    if (answer.status !== 200) throw new Error(`GET /api/queues answered ${answer.status}: ${answer.body}`);
    const { workers } = JSON.parse(answer.body) as { workers: { readonly pid: number; readonly source: string }[] };
    return this.workers
      .filter(({ alive }) => alive)
      .every(({ pid }) => workers.some((worker) => worker.pid === pid && worker.source === source));
  }

  /** Waits until every worker process draws from Redis. */
  async drawFromRedis(limitSeconds: number): Promise<void> {
    await waitUntil('/api/queues shows both workers drawing from Redis', () => this.drawsFrom('redis'), {
      limitSeconds,
      everyMilliseconds: 100,
    });
  }

  /** Waits until every worker process has claimed tasks from Redis after this was called. */
  async takeFromRedis(limitSeconds: number): Promise<void> {
    const claimed = (): Promise<number[]> =>
      Promise.all(this.workers.map((worker) => worker.counter('holdfast_engine_claimed_from_redis_total')));
    const before = await claimed();
    await waitUntil(
      'every worker claims tasks from Redis',
      async () => (await claimed()).every((count, i) => count > before[i]!),
      { limitSeconds, everyMilliseconds: 100 },
    );
  }

  async stopLoads(): Promise<void> {
    await Promise.all([...this.loads].map((load) => load.stop()));
    this.loads.clear();
  }

  /** Nothing is accepted by the clock from here on. */
  async stopSchedules(): Promise<void> {
    await Promise.all(this.schedulers.map((scheduler) => scheduler.stop()));
  }

  /** Makes the network whole, whatever was done to it. */
  healLinks(): void {
    for (const { links } of this.parts.values()) for (const link of Object.values(links) as Link[]) link.heal();
  }

  async stop(): Promise<void> {
    this.healLinks();
    await this.stopLoads();
    await Promise.all(this.processes.map((process) => process.stop()));
    for (const client of this.clients) client.close();
    this.redis.disconnect();
    await this.ledger.close();
    for (const { links } of this.parts.values())
      await Promise.all(Object.values(links).map((link: Link) => link.close()));
    const { postgres, queue, cache } = this.servers;
    await Promise.all([queue.stop(), cache.stop(), postgres.stop()]);
    await this.outside.receiver.close();
    await this.outside.mail?.close();
    await this.outside.feed?.close();
    await Promise.all(this.outside.agents.map((agent) => agent.close()));
  }

  private part(name: string): { readonly links: Links; readonly port: number; readonly metricsPort: number } {
    const part = this.parts.get(name);
    if (part === undefined) throw new Error(`the system has no ${name}`);
    return part;
  }

  private namesOf(kind: string): string[] {
    return [...this.parts.keys()].filter((name) => name.startsWith(`${kind}-`));
  }

  private process(
    name: string,
    entry: 'web.ts' | 'worker.ts' | 'scheduler.ts' | 'migrate.ts',
    ready: (pid: number) => Promise<void>,
    programArguments: readonly string[] = [],
  ): AppProcess {
    const build = this.options.build?.(name);
    return new AppProcess({
      ...{ name, entry, ready, log: this.log, metricsPort: this.part(name).metricsPort, programArguments },
      ...(build !== undefined && { root: build }),
      environment: this.environment(name),
    });
  }

  /** Of the app's variables only these, so that what is set for a developer's own run changes nothing here. */
  private environment(name: string): NodeJS.ProcessEnv {
    const others = Object.entries(process.env).filter(
      ([variable]) => !Object.values(ENVIRONMENT).some((known) => known === variable),
    );
    const { links, port } = this.part(name);
    const at = (url: string, link: Link): string => url.replace(/:\d+(?=\/|$)/, `:${link.port}`);
    const { options, outside, servers } = this;
    const cached = options.cache === true && name.startsWith('web');
    return {
      ...Object.fromEntries(others),
      [ENVIRONMENT.databaseUrl]: at(servers.postgres.url, links.postgres),
      [ENVIRONMENT.databasePoolSize]: String(POOL_SIZE),
      [ENVIRONMENT.queueRedisUrl]: at(servers.queue.url, links.queue),
      ...(cached && { [ENVIRONMENT.cacheRedisUrl]: at(servers.cache.url, links.cache) }),
      [ENVIRONMENT.objectsUrl]: pathToFileURL(this.objects).href,
      [ENVIRONMENT.adminToken]: this.token,
      [ENVIRONMENT.listenHost]: '127.0.0.1',
      [ENVIRONMENT.port]: String(port),
      [ENVIRONMENT.publicUrl]: `http://127.0.0.1:${port}`,
      [ENVIRONMENT.timeZone]: LIBRARY_ZONE,
      [ENVIRONMENT.probes]: 'on',
      [ENVIRONMENT.probeReceiverUrl]: outside.receiver.address,
      ...(outside.mail !== undefined && {
        [ENVIRONMENT.mailUrl]: `smtp://127.0.0.1:${outside.mail.port}`,
        [ENVIRONMENT.mailFrom]: 'library@example.org',
        [ENVIRONMENT.contactChannels]: 'email',
      }),
      ...(outside.feed !== undefined && {
        [ENVIRONMENT.newsFeeds]: outside.feed.address,
        [ENVIRONMENT.newsSeconds]: String(NEWS_SECONDS),
      }),
      ...(name.startsWith('worker') && {
        [ENVIRONMENT.workerQueues]: options.queues ?? 'default,probes,imports,images,collect,reminders',
        [ENVIRONMENT.workerConcurrency]: String(CONCURRENCY),
      }),
      ...this.protection(name),
      // One line a request would bury what the workers say.
      [ENVIRONMENT.logLevel]: name.startsWith('web') ? 'warn' : 'info',
      ...options.environment,
      ...(name.startsWith('worker') && options.workerEnvironment?.(Number(name.slice(-1)) - 1)),
    };
  }

  private protection(name: string): NodeJS.ProcessEnv {
    const agent = name.startsWith('worker') ? this.agents[Number(name.slice(-1)) - 1] : undefined;
    if (agent === undefined) return {};
    return {
      [ENVIRONMENT.scaleInProtection]: 'on',
      [PLATFORM_ENVIRONMENT.ecsAgentUri]: agent.agentUri,
      [PLATFORM_ENVIRONMENT.ecsMetadataUri]: agent.metadataUri,
      AWS_REGION: 'us-east-1',
    };
  }

  private async webReady(index: number): Promise<void> {
    const client = this.clients[index];
    await waitUntil(
      'web is ready',
      async () => (await client?.get(PATHS.ready).catch(() => undefined))?.status === 200,
      { limitSeconds: START_SECONDS },
    );
  }

  private async workerReady(pid: number): Promise<void> {
    await waitUntil(
      'the worker is registered',
      // The database may be away, too: a worker waits for it.
      async () => (await this.ledger.liveWorkers().catch(() => [])).some((worker) => worker.pid === pid),
      { limitSeconds: START_SECONDS },
    );
  }

  private async metricsReady(name: string): Promise<void> {
    const { metricsPort } = this.part(name);
    await waitUntil(
      `${name} is ready`,
      async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`).catch(() => undefined))?.ok,
      { limitSeconds: START_SECONDS },
    );
  }
}

function clientOf(server: RedisServer): Redis {
  const client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined);
  return client;
}

/** Ports that are free and differ. */
async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count + 1) ports.add(await freePort());
  return [...ports];
}
