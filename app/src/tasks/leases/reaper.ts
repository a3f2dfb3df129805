import type { Dispatcher } from '../dispatching/dispatcher';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import { monotonicMs, pause } from '../pause';
import type { TaskLogger } from '../types';
import { LEASE_STATEMENTS } from './lease';
import { Overdue } from './overdue';

export interface ReaperOptions {
  /** For looking at heartbeats; nothing else may keep it waiting. */
  readonly ledger: Ledger;
  /** For what is looked at now and then. @default ledger */
  readonly aside?: Ledger;
  readonly dispatcher: Dispatcher;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  readonly leaseSeconds: number;
  /** The worker that this reaper belongs to, under the id that it has now. */
  workerId(): string;
}

interface BeatRow {
  id: string;
  beat: string;
  hung: boolean;
}

interface Observation {
  readonly beat: string;
  readonly sinceMs: number;
}

/** The last unfinished task that a sweep has looked at. */
interface Position {
  readonly queue: string;
  readonly priority: number;
  readonly runAt: string;
  readonly id: string;
}

interface UnclaimedRow extends Nullable<Position> {
  ids: string;
  fences: string;
  looked: number;
}

type Nullable<T> = { [Key in keyof T]: T[Key] | null };

export interface TakenBackRow {
  id: string;
  uuid: string;
  name: string;
  queue: string;
  priority: number;
  state: string;
  attempts: number;
  crashes: number;
}

/**
 * Workers lost under a task, after which it runs alone: the first loss is most often the instance's fault, and those who
 * shared it go on at full speed. As in take-back.part.sql and the index task_suspect.
 */
const SUSPECT_AFTER = 2;
/** With the lease: a killed worker's tasks run elsewhere within lease + 2 s. */
const LOOK_EVERY_MS = 1_000;
/** Half a lease without a look counts as having been frozen, so short leases are looked at more often than that. */
const LOOKS_PER_LEASE = 5;
/** What every look begins with is quick; longer without an answer is a silent connection. */
const LOOK_LIMIT = { timeoutMs: 5_000 };
const FORGET_EVERY_MS = 3_600_000;
/** One step of the sweep a minute in the whole fleet: a few milliseconds of PostgreSQL, some hundred pages read. */
const SWEEP_EVERY_MS = 60_000;
const SWEEP_ROWS = 2_000;
/** Likewise, for attempts that their workers should have ended; two looks in a row take one back. */
const OVERDUE_EVERY_MS = 10_000;
const FIRST: Position = { queue: '', priority: 0, runAt: '-infinity', id: '0' };

/**
 * Takes tasks back from workers that went silent. Every worker runs one. It trusts no wall clock: a worker is expired
 * only when this reaper has itself seen the same heartbeat for a whole lease, on its own monotonic clock and with
 * PostgreSQL answering all the while; an outage of PostgreSQL therefore reaps nobody.
 */
export class Reaper {
  private readonly sql = loadStatements(__dirname, 'lease.sql', LEASE_STATEMENTS);
  private readonly stopping = new AbortController();
  private readonly seen = new Map<string, Observation>();
  private lastLookMs = 0;
  private lastForgetMs = monotonicMs();
  private lastSweepMs = -Infinity;
  private swept = FIRST;
  private lastOverdueMs = -Infinity;
  private readonly overdue: Overdue;
  private readonly aside: Ledger;
  private running: Promise<void> | undefined;
  private duties: Promise<void> | undefined;

  constructor(private readonly options: ReaperOptions) {
    this.aside = options.aside ?? options.ledger;
    this.overdue = new Overdue({ ...options, ledger: this.aside });
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.duties;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const everyMs = Math.min(LOOK_EVERY_MS, (this.options.leaseSeconds * 1000) / LOOKS_PER_LEASE);
    while (!signal.aborted) {
      try {
        await this.look();
      } catch (error) {
        // Not looking is not seeing silence: what was observed so far does not count any more.
        this.seen.clear();
        this.overdue.forget();
        this.options.logger.debug({ err: error }, 'reaper could not look');
      }
      await pause(everyMs, signal);
    }
  }

  private async look(): Promise<void> {
    const leaseMs = this.options.leaseSeconds * 1000;
    const beats = await this.options.ledger.query<BeatRow>(this.sql.beats, [], LOOK_LIMIT);
    const nowMs = monotonicMs();
    // This process may itself have been frozen: then others' silence was only its own.
    if (nowMs - this.lastLookMs > leaseMs / 2) this.seen.clear();
    this.lastLookMs = nowMs;
    const alive = new Set(beats.rows.map((row) => row.id));
    for (const id of this.seen.keys()) if (!alive.has(id)) this.seen.delete(id);
    for (const { id, beat } of beats.rows) {
      const before = this.seen.get(id);
      if (before?.beat !== beat) this.seen.set(id, { beat, sinceMs: nowMs });
      else if (nowMs - before.sinceMs >= leaseMs) await this.expire(id, beat);
    }
    const orphans = await this.options.ledger.query<{ orphans: boolean }>(this.sql.orphans, [], LOOK_LIMIT);
    if (orphans.rows[0]?.orphans === true) await this.takeBack();
    // One sweeps for all: the first by id of those that live. Two for a moment would do no harm.
    const sound = beats.rows.filter(({ hung }) => !hung);
    const first = sound.reduce((least, { id }) => (id < least ? id : least), this.options.workerId());
    this.duties ??= this.doDuties(first === this.options.workerId(), nowMs).finally(() => (this.duties = undefined));
  }

  /** What is looked at now and then, beside the looks at heartbeats: a slow or failing one of these delays no other. */
  private async doDuties(isFirst: boolean, nowMs: number): Promise<void> {
    if (isFirst && nowMs - this.lastSweepMs >= SWEEP_EVERY_MS) {
      this.lastSweepMs = nowMs;
      await this.duty('sweep', () => this.sweep());
    }
    if (isFirst && nowMs - this.lastOverdueMs >= OVERDUE_EVERY_MS) {
      this.lastOverdueMs = nowMs;
      const done = await this.duty('overdue', async () => {
        const queued = this.report(await this.overdue.look(), 'took tasks back that went on past their time limits');
        // Due from now on, so behind those that wait.
        this.options.dispatcher.push(queued);
      });
      // Not having looked is not having seen them overdue again.
      if (!done) this.overdue.forget();
    }
    if (nowMs - this.lastForgetMs > FORGET_EVERY_MS) {
      this.lastForgetMs = nowMs;
      await this.duty('forget workers', () => this.aside.query(this.sql.forget_workers));
    }
  }

  /** @returns whether it was done; else it is tried again when it is due the next time. */
  private async duty(name: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.options.logger.debug({ err: error, duty: name }, 'reaper could not do a duty');
      return false;
    }
  }

  private async expire(id: string, beat: string): Promise<void> {
    this.seen.delete(id);
    const answer = await this.options.ledger.query<{ host: string; pid: number }>(this.sql.expire, [id, beat]);
    const worker = answer.rows[0];
    if (worker === undefined) return;
    this.options.logger.warn(
      { worker: id, host: worker.host, pid: worker.pid, leaseSeconds: this.options.leaseSeconds },
      'worker sent no heartbeat for a whole lease; its tasks go to others',
    );
  }

  private async takeBack(): Promise<void> {
    const { ledger } = this.options;
    const answer = await ledger.query<TakenBackRow>(this.sql.take_back);
    // Before anything else can fail: what was taken back is told to nobody a second time.
    this.options.dispatcher.putBack(this.report(answer.rows, 'took tasks back from lost workers'));
    await ledger.query(this.sql.forget_claims);
  }

  /**
   * Looks for running tasks that no claim names. There should be none: claims are written with the claiming and deleted
   * after the ends. But nothing else would ever find one. Tasks are claimed oldest first, so a lost one is soon among the
   * oldest of its lane; a sweep goes through all unfinished tasks step by step nevertheless, and then begins again.
   */
  private async sweep(): Promise<void> {
    const { queue, priority, runAt, id } = this.swept;
    const [row] = await this.aside.transaction(async (tx) => {
      await tx.query(`select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`);
      return (await tx.query<UnclaimedRow>(this.sql.unclaimed, [queue, priority, runAt, id, SWEEP_ROWS])).rows;
    });
    if (row === undefined) return;
    this.swept = row.looked < SWEEP_ROWS ? FIRST : (positionOf(row) ?? FIRST);
    if (row.ids === '{}') return;
    const taken = await this.aside.query<TakenBackRow>(this.sql.take_unclaimed, [row.ids, row.fences]);
    this.options.dispatcher.putBack(this.report(taken.rows, 'took tasks back that no claim named'));
  }

  /** @returns those that are to be handed over: queued, and not out of their lane. */
  private report(rows: readonly TakenBackRow[], message: string): readonly TakenBackRow[] {
    const { counters, logger } = this.options;
    if (rows.length === 0) return [];
    counters.reaped += rows.length;
    const queued = rows.filter((row) => row.state === 'queued');
    const dead = rows.filter((row) => row.state === 'dead');
    counters.dead += dead.length;
    logger.warn({ queued: queued.length, dead: dead.length }, message);
    for (const row of rows.filter(({ state, crashes }) => state === 'queued' && crashes >= SUSPECT_AFTER)) {
      const fields = { task: row.uuid, name: row.name, crashes: row.crashes };
      logger.warn(fields, 'task was running when workers were lost, more than once: from now on it runs alone');
    }
    for (const row of dead) {
      logger.error(
        { task: row.uuid, name: row.name, attempts: row.attempts },
        'task is dead: its workers were lost or hung',
      );
    }
    return queued.filter(({ crashes }) => crashes < SUSPECT_AFTER);
  }
}

function positionOf({ queue, priority, runAt, id }: UnclaimedRow): Position | undefined {
  if (queue === null || priority === null || runAt === null || id === null) return undefined;
  return { queue, priority, runAt, id };
}
