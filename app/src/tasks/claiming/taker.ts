import { shownError } from '../dispatching/redis-connection';
import type { RedisConnection } from '../dispatching/redis-connection';
import type { Lane, RedisKeys } from '../lanes';
import type { Lease } from '../leases/lease';
import type { Counters } from '../metrics';
import { monotonicMs, pause } from '../pause';
import type { Runner } from '../running/runner';
import type { TaskLogger } from '../types';
import type { ClaimedTask, Claimer } from './claimer';
import type { LaneOrder } from './lane-order';
import type { Slots } from './slots';

export interface TakerOptions {
  /** A connection of its own: it waits in BLMPOP. Without it everything comes from PostgreSQL. */
  readonly redis: RedisConnection | undefined;
  readonly keys: RedisKeys;
  readonly claimer: Claimer;
  readonly order: LaneOrder;
  readonly lease: Lease;
  readonly runner: Runner;
  readonly slots: Slots;
  /** Queues that are left out: paused, or limited. */
  closed(): ReadonlySet<string>;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  /** Queues claimed tasks again that did not begin. @throws when PostgreSQL does not take it; the lease finds them. */
  giveBack(tasks: readonly ClaimedTask[]): Promise<void>;
}

/** How long a take waits in Redis for the first id. With an empty take the ledger is asked as well, once a second. */
const REDIS_WAIT_SECONDS = 1;
/** How often the oldest due tasks are claimed straight from PostgreSQL although Redis has work: finds what got lost. */
const POSTGRES_EVERY_MS = 1_000;
/** Pause between two empty looks at PostgreSQL while Redis is away. */
const POSTGRES_IDLE_MS = 100;
const ERROR_PAUSE_MS = 250;
/** Two, so that one is under way while the other's tasks begin; more would only make them smaller. */
const CLAIMS_AT_ONCE = 2;

/**
 * The worker's loop: takes ids from Redis and claims them, never more than there are free slots. Claims straight from
 * PostgreSQL once a second, whenever a take comes back empty, and all the time while Redis is away.
 */
export class Taker {
  private readonly stopping = new AbortController();
  private lastPostgresMs = -Infinity;
  /** Ids that Redis handed out for slots that were filled meanwhile. Others find them in the ledger, too. */
  private popped: string[] = [];
  private claims = 0;
  private pauseUntilMs = 0;
  /** The last take found nothing in Redis but work in the ledger: Redis is full, say, or was emptied. No waiting then. */
  private redisLags = false;
  private running: Promise<void> | undefined;
  private paused = false;
  private abandoned = false;
  /** A take is under way; what it claims counts in `claims` or is in hand when it is over. */
  private taking = false;
  /** Where the last tasks came from. */
  source: 'redis' | 'postgres' = 'postgres';

  constructor(private readonly options: TakerOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  /** Takes nothing more. What Redis hands out from here on is found by others through PostgreSQL. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.options.runner.notify();
    this.options.redis?.close();
    await this.running;
  }

  /** What claims still under way bring is given back from here on. */
  abandon(): void {
    this.abandoned = true;
  }

  /** Begins no more takes until `resume`. Resolves when none is under way, or when taking was resumed meanwhile. */
  async pause(): Promise<void> {
    this.paused = true;
    this.forgetPopped();
    while (this.endsTaking()) await this.options.runner.changed();
  }

  resume(): void {
    this.paused = false;
    this.options.runner.notify();
  }

  /** Paused, with a take or a claim still under way. */
  private endsTaking(): boolean {
    return this.paused && (this.taking || this.claims > 0);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { runner, slots, lease, logger } = this.options;
    while (!signal.aborted) {
      const free = slots.free('lanes');
      if (this.paused || free <= 0 || this.claims >= CLAIMS_AT_ONCE) {
        await runner.changed();
      } else if (!lease.valid || monotonicMs() < this.pauseUntilMs) {
        await pause(POSTGRES_IDLE_MS, signal);
      } else if (this.popped.length > 0) {
        this.claimPopped(free);
      } else {
        this.taking = true;
        try {
          await this.take(free);
        } catch (error) {
          logger.debug({ err: error }, 'taking tasks failed; trying again');
          await pause(ERROR_PAUSE_MS, signal);
        } finally {
          this.taking = false;
          runner.notify();
        }
      }
    }
    this.forgetPopped();
    while (this.claims > 0) await runner.changed();
  }

  private async take(free: number): Promise<void> {
    const { redis } = this.options;
    const answering = redis?.ready === true;
    const due = monotonicMs() - this.lastPostgresMs >= POSTGRES_EVERY_MS;
    const ids = answering && !due ? await this.idsFromRedis(redis, free) : [];
    if (ids !== undefined && ids.length > 0) {
      this.redisLags = false;
      this.popped = ids;
      this.claimPopped(this.options.slots.free('lanes'));
      return;
    }
    const claimed = await this.fromPostgres(free);
    if (answering && !due) this.redisLags = claimed > 0;
    // A take that waited in Redis has paused already; without Redis, or with one that answers errors, nothing has.
    if (claimed === 0 && (!answering || ids === undefined)) await pause(POSTGRES_IDLE_MS, this.stopping.signal);
  }

  private claimPopped(free: number): void {
    const ids = this.popped.splice(0, free);
    this.options.slots.ask('lanes', this.popped.length > 0 ? 'some' : 'none');
    if (ids.length > 0) this.claimMeanwhile(ids);
  }

  private forgetPopped(): void {
    this.popped = [];
    this.options.slots.ask('lanes', 'none');
  }

  /** Claims in the background. The slots count as taken until it is known how many of the ids were ours to have. */
  private claimMeanwhile(ids: readonly string[]): void {
    const release = this.options.slots.reserve('lanes', ids.length);
    this.claims += 1;
    this.claimIds(ids)
      .catch((error: unknown) => {
        this.options.logger.debug({ err: error }, 'claiming failed; the ledger gives back what it says we have');
        this.pauseUntilMs = monotonicMs() + ERROR_PAUSE_MS;
      })
      .finally(() => {
        this.claims -= 1;
        release();
      });
  }

  /** @returns undefined when Redis failed: the next take sees whether it is still there. */
  private async idsFromRedis(redis: RedisConnection, count: number): Promise<string[] | undefined> {
    const lists = this.openLanes().map((lane) => this.options.keys.list(lane));
    if (lists.length === 0) return undefined;
    try {
      return await redis.take(lists, count, this.redisLags ? 0 : REDIS_WAIT_SECONDS);
    } catch (error) {
      this.options.logger.debug({ err: shownError(error) }, 'redis did not hand out ids');
      return undefined;
    }
  }

  private openLanes(): Lane[] {
    const closed = this.options.closed();
    const lanes = this.options.order.next();
    return closed.size === 0 ? lanes : lanes.filter((lane) => !closed.has(lane.queue));
  }

  private async claimIds(ids: readonly string[]): Promise<void> {
    const { claimer, lease, counters } = this.options;
    // Taking may have outlasted the lease; others find these ids in the ledger.
    if (!lease.valid) return;
    const workerId = lease.id;
    const tasks = await claimer.byId(workerId, ids);
    counters.claimedFromRedis += tasks.length;
    counters.staleIds += ids.length - tasks.length;
    if (tasks.length > 0) this.source = 'redis';
    await this.begin(workerId, tasks);
  }

  private async fromPostgres(free: number): Promise<number> {
    const { claimer, lease, slots, counters, redis } = this.options;
    this.lastPostgresMs = monotonicMs();
    const lanes = this.openLanes();
    if (!lease.valid || lanes.length === 0) return 0;
    const workerId = lease.id;
    const release = slots.reserve('lanes', free);
    try {
      const tasks = await claimer.oldest(workerId, lanes, free);
      counters.claimedFromPostgres += tasks.length;
      // The look once a second finds a few beside a working Redis; that alone is not drawing from PostgreSQL.
      if (tasks.length > 0 && (redis?.ready !== true || this.redisLags)) this.source = 'postgres';
      await this.begin(workerId, tasks);
      return tasks.length;
    } finally {
      release();
    }
  }

  /** Starts what was claimed, unless it came too late, after the lease or the drain had ended: then it goes back, uncounted. */
  private async begin(workerId: string, tasks: readonly ClaimedTask[]): Promise<void> {
    const { lease, runner } = this.options;
    if (!this.abandoned && lease.valid && lease.id === workerId) for (const task of tasks) runner.start(task);
    else await this.options.giveBack(tasks);
  }
}
