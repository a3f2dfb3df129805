import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { PATHS } from '../../../app/src/contract';
import type { FakeAgent } from '../../../app/test/process/ecs-agent';
import { startPrivatePostgres, startPrivateRedis, testFolder } from '../../../app/test/servers/private-servers';
import { AppProcess } from './app-process';
import type { OwnEnd } from './app-process';
import { takeOverClock } from './database-clock';
import type { EffectReceiver } from './effect-receiver';
import { HttpClient } from './http-client';
import { Journal } from './journal';
import { LedgerView } from './ledger-view';
import type { Link } from './link';
import { Load } from './load';
import type { Entrance, Pace } from './load';
import { LogBook } from './log-book';
import type { MailServer } from './mail-server';
import type { ObjectServer } from './object-server';
import { Network } from './network';
import type { Links } from './network';
import { Outside } from './outside';
import type { OutsideOptions } from './outside';
import { processEnvironment } from './process-environment';
import type { EnvironmentOptions, Servers } from './process-environment';

const run = promisify(execFile);
const START_SECONDS = 30;
/** Of GET /metrics (app/src/metrics/engine-metrics.ts). */
const CLAIMED_FROM_REDIS = 'holdfast_engine_claimed_from_redis_total';

export interface SystemOptions extends OutsideOptions, EnvironmentOptions {
  /** @default 0 */
  readonly schedulers?: 0 | 1 | 2;
  /** @default 1 */
  readonly webs?: 1 | 2;
  /** A clock of the database that can be set (database-clock.ts). @default false */
  readonly clock?: boolean;
  /** Folder whose app/src a process runs instead of this repository's: another build. */
  readonly build?: (process: string) => string | undefined;
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
    const network = await Network.between([...names, 'migrate'], {
      postgres: postgres.port,
      queue: queue.port,
      cache: cache.port,
    });
    const outside = await Outside.start(options);
    const system = new System({ postgres, queue, cache }, dataDirectory, outside, network, options);
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
    readonly servers: Servers,
    private readonly dataDirectory: string,
    readonly outside: Outside,
    private readonly network: Network,
    private readonly options: SystemOptions,
  ) {
    this.journal = new Journal(join(testFolder('journal'), 'acknowledged.jsonl'));
    this.clients = this.network.named('web').map((name) => new HttpClient(this.network.place(name).port, this.token));
    this.client = this.clients[0]!;
    this.entrances = this.network.named('web').map((name, i) => ({ name, client: this.clients[i]! }));
    this.ledger = new LedgerView(servers.postgres.url);
    this.redis = clientOf(servers.queue);
    this.webs = this.network.named('web').map((name, i) => this.process(name, 'web.ts', () => this.webReady(i)));
    const worker = (name: string): AppProcess => this.process(name, 'worker.ts', (pid) => this.workerReady(pid));
    this.workers = [worker('worker-1'), worker('worker-2')];
    this.schedulers = this.network
      .named('scheduler')
      .map((name) => this.process(name, 'scheduler.ts', () => this.metricsReady(name)));
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

  /** @throws Error unless the row asked for one. */
  get objectServer(): ObjectServer {
    const { objects } = this.outside;
    if (objects === undefined) throw new Error('the system has no stand-in for S3');
    return objects;
  }

  /** The workers' agents, in their order. */
  get agents(): readonly FakeAgent[] {
    return this.outside.agents;
  }

  get processes(): readonly AppProcess[] {
    return [...this.webs, ...this.workers, ...this.schedulers];
  }

  /** Of every process, in no order. */
  get ownEnds(): readonly OwnEnd[] {
    return this.processes.flatMap(({ ownEnds }) => ownEnds);
  }

  /** The network between this process and the servers. */
  links(process: AppProcess): Links {
    return this.network.place(process.name).links;
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
    return `http://127.0.0.1:${this.network.place('web-1').port}${path}`;
  }

  /** Of the web processes, in their order. */
  webPorts(): number[] {
    return this.webs.map(({ name }) => this.network.place(name).port);
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

  /** How many tasks each worker process has claimed from Redis since its start. */
  claimedFromRedis(): Promise<number[]> {
    return Promise.all(this.workers.map((worker) => worker.counter(CLAIMED_FROM_REDIS)));
  }

  /** Waits until every worker process has claimed tasks from Redis after this was called. */
  async takeFromRedis(limitSeconds: number): Promise<void> {
    const before = await this.claimedFromRedis();
    await waitUntil(
      'every worker claims tasks from Redis',
      async () => (await this.claimedFromRedis()).every((count, i) => count > before[i]!),
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
    this.network.heal();
  }

  async stop(): Promise<void> {
    this.healLinks();
    await this.stopLoads();
    await Promise.all(this.processes.map((process) => process.stop()));
    for (const client of this.clients) client.close();
    this.redis.disconnect();
    await this.ledger.close();
    await this.network.close();
    const { postgres, queue, cache } = this.servers;
    await Promise.all([queue.stop(), cache.stop(), postgres.stop()]);
    await this.outside.close();
  }

  private process(
    name: string,
    entry: 'web.ts' | 'worker.ts' | 'scheduler.ts' | 'migrate.ts',
    ready: (pid: number) => Promise<void>,
    programArguments: readonly string[] = [],
  ): AppProcess {
    const build = this.options.build?.(name);
    return new AppProcess({
      ...{ name, entry, ready, log: this.log, metricsPort: this.network.place(name).metricsPort, programArguments },
      ...(build !== undefined && { root: build }),
      environment: processEnvironment(name, this.network.place(name), this, this.options),
    });
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
    const { metricsPort } = this.network.place(name);
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
