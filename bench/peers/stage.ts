import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import type { RedisServer } from '../../app/local/servers/redis-server';
import { waitUntil } from '../../app/local/servers/wait-until';
import { createDatabase } from '../../app/test/servers/databases';
import type { TestDatabase } from '../../app/test/servers/databases';
import { startPrivateRedis, testFolder } from '../../app/test/servers/private-servers';
import { Link } from '../../test/survival/system/link';
import { Caller } from './caller';
import { Part } from './part';
import type { System } from './system';
import type { Addresses } from './workload';
import { environmentOf, RATE, SCHEMA } from './workload';

/** From the start of the processes until they keep up with their callers; took 2 to 15 s in docs/evidence/peers.json. */
const WARM_UP_SECONDS = 30;
/** How often the stores are asked while something is waited for. */
export const LOOK_MS = 250;

/** Settings of every Redis of one trial, as in redis.conf. */
export type RedisSettings = Readonly<Record<string, string>>;

/** One system with a database, a Redis behind a movable address, a producer and two workers of its own. */
export class Stage {
  readonly caller: Caller;
  private readonly arrivals: number[] = [];
  private readonly servers: RedisServer[];
  private replica: RedisServer | undefined;

  private constructor(
    readonly system: System,
    readonly addresses: Addresses,
    readonly pool: Pool,
    readonly link: Link,
    public redis: RedisServer,
    /** Where that Redis keeps its files. */
    readonly redisFolder: string,
    private readonly settings: RedisSettings,
    readonly producer: Part,
    readonly workers: readonly [Part, Part],
    private readonly database: TestDatabase,
  ) {
    this.caller = new Caller(producer);
    this.servers = [redis];
  }

  /**
   * Starts everything; resolves when both workers work and keep up with their callers.
   * @throws Error with one sentence when that takes longer than `WARM_UP_SECONDS`
   */
  static async set(system: System, settings: RedisSettings): Promise<Stage> {
    const database = await createDatabase();
    const pool = new Pool({ connectionString: database.url, max: 2 });
    pool.on('error', () => undefined);
    await pool.query(SCHEMA);
    const directory = testFolder('redis');
    const redis = await startPrivateRedis({ directory, settings });
    const link = await Link.to(redis.port);
    const addresses = { postgresUrl: database.url, redisUrl: `redis://127.0.0.1:${link.port}` };
    await system.prepare(addresses);
    const part = (role: 'producer' | 'worker', name: string) =>
      new Part(`${system.name} ${name}`, system.command(role), environmentOf(addresses, name));
    const workers = [part('worker', 'worker-1'), part('worker', 'worker-2')] as const;
    const producer = part('producer', 'producer');
    const stage = new Stage(
      ...([system, addresses, pool, link, redis, directory, settings, producer, workers, database] as const),
    );
    for (const each of [producer, ...workers]) each.start();
    stage.caller.start();
    await stage.warmUp();
    return stage;
  }

  /** Accepted tasks that have no effect yet. */
  async backlog(): Promise<number> {
    const answer = await this.pool.query<{ count: number }>('select count(distinct key)::int as count from effect');
    return this.caller.accepted - (answer.rows[0]?.count ?? 0);
  }

  /** When the fault came, each time, in ms since 1970. */
  get faultsAtMs(): readonly number[] {
    return this.arrivals;
  }

  /** The fault is there: what was accepted until now is at risk, and the seconds count from now. */
  faultNow(): void {
    this.arrivals.push(Date.now());
  }

  /** Whether a task that was sent after the fault has come about for the last time is done. */
  async worksAgain(): Promise<boolean> {
    const faultAtMs = this.arrivals.at(-1) ?? Infinity;
    const first = this.caller.journal.find(({ sentAtMs }) => sentAtMs >= faultAtMs);
    const done = await this.pool.query('select from effect where key >= $1 limit 1', [first?.key]);
    return done.rowCount === 1;
  }

  /** How often the task that kills has killed. */
  async deaths(): Promise<number> {
    const answer = await this.pool.query<{ count: number }>('select count(*)::int as count from death');
    return answer.rows[0]?.count ?? 0;
  }

  /** Resolves when a replica holds the same as the primary; it goes on to do so. */
  async addReplica(): Promise<void> {
    const replica = await startPrivateRedis({ settings: this.settings });
    this.servers.push(replica);
    await this.asking(replica, async (client) => {
      await client.replicaof('127.0.0.1', this.redis.port);
      await waitUntil(
        'the replica has caught up',
        async () => (await client.info('replication')).includes('master_link_status:up'),
        { limitSeconds: 20, everyMilliseconds: 100 },
      );
    });
    this.replica = replica;
  }

  /** The replica keeps what it holds and gets nothing more. */
  async detachReplica(): Promise<void> {
    await this.asking(this.requireReplica(), (client) => client.replicaof('NO', 'ONE'));
  }

  /** The replica becomes the primary: new connections lead to it, those that exist break, and the old primary is gone. */
  async failOver(): Promise<void> {
    const [old, next] = [this.redis, this.requireReplica()];
    this.redis = next;
    this.link.lead(next.port);
    this.link.cut();
    await old.kill();
  }

  async asking(server: RedisServer, ask: (client: Redis) => Promise<unknown>): Promise<void> {
    const client = new Redis(server.url);
    try {
      await ask(client);
    } finally {
      client.disconnect();
    }
  }

  /**
   * Waits until nothing is left to do: the system's own store wants nothing done any more, and no effect has come for
   * `quietSeconds`.
   * @returns whether that was so within the limit
   */
  async settle(quietSeconds: number, limitSeconds: number): Promise<boolean> {
    const endMs = performance.now() + limitSeconds * 1_000;
    let [effects, sinceMs] = [-1, performance.now()];
    while (performance.now() < endMs) {
      const pending = await this.system.pending(this.addresses, this.pool).catch(() => Infinity);
      const answer = await this.pool.query<{ count: number }>('select count(*)::int as count from effect');
      const seen = answer.rows[0]?.count ?? 0;
      if (pending > 0 || seen !== effects) [effects, sinceMs] = [seen, performance.now()];
      else if (performance.now() - sinceMs > quietSeconds * 1_000) return true;
      await sleep(LOOK_MS);
    }
    return false;
  }

  async strike(): Promise<void> {
    this.caller.stop();
    await Promise.all([this.producer, ...this.workers].map((part) => part.stop()));
    await this.link.close();
    await Promise.all(this.servers.map((server) => server.stop()));
    await this.pool.end();
    await this.database.drop();
  }

  private requireReplica(): RedisServer {
    if (this.replica === undefined) throw new Error('there is no replica; addReplica() makes one');
    return this.replica;
  }

  private async warmUp(): Promise<void> {
    const ready = async () => {
      const workers = await this.pool.query('select distinct worker from effect');
      return workers.rowCount === this.workers.length && (await this.backlog()) < RATE;
    };
    await waitUntil('it is warm', ready, { limitSeconds: WARM_UP_SECONDS, everyMilliseconds: LOOK_MS }).catch(
      async (error: unknown) => {
        const words = [this.producer, ...this.workers].map(({ lastWords }) => lastWords).join('; ');
        await this.strike();
        throw new Error(
          `its two workers did not keep up with their callers within ${WARM_UP_SECONDS} s, so a fault would measure ` +
            `the machine; run fewer trials at once (--at-once) or on an idle machine. ${words}`,
          { cause: error },
        );
      },
    );
  }
}
