import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DispatchItem } from '../dispatching/dispatcher';
import { queuedAgain } from '../finishing/finisher';
import type { GivenBackRow } from '../finishing/finisher';
import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import { monotonicMs, pause, within } from '../pause';
import type { Attempt } from '../running/attempt';
import type { InHand } from '../running/in-hand';
import type { TaskLogger } from '../types';

export interface LeaseOptions {
  readonly ledger: Ledger;
  readonly inHand: InHand;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  readonly queues: readonly string[];
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** Which kind of worker this is, as the deployment names it. */
  readonly workerKind: string;
  /** What the heartbeat tells about this worker. */
  describe(): {
    readonly running: number;
    readonly source: 'redis' | 'postgres';
    readonly draining: boolean;
    readonly hung: boolean;
  };
  /** Others say that a task of this worker goes on past its time limit. Told at every heartbeat from then on. */
  onHung(): void;
  /** The lease is gone: running attempts must stop, others may have their tasks. */
  onLost(): void;
  /** These tasks were claimed for us but never arrived, and are queued again. */
  onGivenBack(items: readonly DispatchItem[]): void;
}

interface ReconciledRow extends GivenBackRow {
  readonly what: 'given-back' | 'disowned' | 'cancel';
  readonly fence: number;
}

interface ClockRow {
  now: number;
}

interface BeatRow extends ClockRow {
  hung: boolean;
}

/** After this without an answer a heartbeat is sent again; half a heartbeat's time when that is shorter. */
const BEAT_SILENCE_MS = 2_000;
/** Then the rhythm goes on; what is still under way may be answered late. */
const BEAT_TRIES = 3;
/** Longer than any claim is waited for: a claim that is not in hand after this never will be. */
const CLAIM_LOST_SECONDS = 5;
/** A silent connection must not keep anything waiting for as long as the lease. */
const GIVEN_UP = { timeoutMs: 5_000 };
/** Retries of a heartbeat that PostgreSQL did not take, in ms. */
const RETRY_MS = 500;
/** Of the few statements that the end of an id consists of. */
const LAST_WORD = { timeoutMs: 2_000 };
const CHECK_MS = 250;
/** With the time after which a claim counts as lost: found within 7 s. */
const RECONCILE_MS = 2_000;

/**
 * This worker's right to run tasks. Valid from a heartbeat that PostgreSQL took until `leaseSeconds` after it was sent,
 * on the monotonic clock. An id that others have expired is never used again: the worker registers under a new one.
 */
export class Lease {
  private readonly sql = loadStatements(__dirname, 'lease.sql', LEASE_STATEMENTS);
  private readonly stopping = new AbortController();
  private currentId = randomUUID();
  private validUntilMs = 0;
  /** What the database's clock said, and when its answer came. */
  private clock = { seconds: 0, atMs: 0 };
  private lost = false;
  private beating: Promise<void> = Promise.resolve();
  private loops: Promise<unknown> | undefined;

  constructor(private readonly options: LeaseOptions) {}

  get id(): string {
    return this.currentId;
  }

  get valid(): boolean {
    return monotonicMs() < this.validUntilMs;
  }

  /** Registers the worker. @throws when PostgreSQL does not take it. */
  async begin(): Promise<void> {
    await this.register();
    this.loops = Promise.all([this.beatLoop(), this.reconcileLoop(), this.watchLoop()]);
  }

  /**
   * Ends the lease: gives back what still counts as ours and signs off, so that nobody has to wait. Takes `limitMs` at
   * most: a PostgreSQL that does not answer within it is left to find out by itself.
   */
  async end(limitMs: number): Promise<void> {
    this.stopping.abort();
    const untilMs = monotonicMs() + limitMs;
    await within(limitMs / 2, this.loops ?? Promise.resolve());
    this.validUntilMs = 0;
    const signedOff = this.signOff(untilMs).then(
      () => true,
      (error: unknown) => {
        this.options.logger.debug({ err: error }, 'signing off failed');
        return false;
      },
    );
    if ((await within(untilMs - monotonicMs(), signedOff)) === true) return;
    this.options.logger.warn({ worker: this.currentId }, 'worker could not sign off; its lease will run out');
  }

  private async signOff(untilMs: number): Promise<void> {
    await insist(untilMs, () => this.returnRunning(this.currentId, []));
    await insist(untilMs, () => this.options.ledger.query(this.sql.leave, [this.currentId], LAST_WORD));
    // What a claim took that nobody waited for any more and that was carried out only now.
    await insist(untilMs, () => this.returnRunning(this.currentId, []));
  }

  /** One heartbeat now, outside its rhythm; one after another, because two that find the id expired would register twice. */
  beat(): Promise<void> {
    this.beating = this.beating.catch(() => undefined).then(() => this.sendBeat());
    return this.beating;
  }

  /**
   * The first answer counts, whichever way it came: a heartbeat that is not answered soon is sent again at once on a
   * connection made for it, because the silence may be that of one connection. All tries count from when they were sent.
   */
  private async sendBeat(): Promise<void> {
    const silenceMs = Math.min(BEAT_SILENCE_MS, this.options.heartbeatSeconds * 500);
    let answered: (ours: boolean) => void = () => undefined;
    const first = new Promise<boolean>((resolve) => (answered = resolve));
    let taken: boolean | undefined;
    let trouble: unknown = new Error('PostgreSQL is silent');
    for (let tries = 0; tries < BEAT_TRIES && taken === undefined; tries += 1) {
      const failed = this.tryBeat(tries > 0)
        .then(answered)
        .then(
          () => first,
          (error: unknown) => {
            trouble = error;
            return undefined;
          },
        );
      taken = await within(silenceMs, Promise.race([first, failed]));
    }
    if (taken === undefined) throw trouble;
    if (taken) return;
    this.options.logger.warn(
      { worker: this.currentId },
      'others have expired this worker; it starts again under a new id',
    );
    this.validUntilMs = 0;
    const began = this.options.inHand.all();
    this.lose();
    if (this.stopping.signal.aborted) return;
    await this.returnRunning(this.currentId, began).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'what was claimed under the expired id is left to others');
    });
    await this.register();
  }

  /** @returns whether the id is still ours. An answer that nobody waits for any more extends the lease all the same. */
  private async tryBeat(anew: boolean): Promise<boolean> {
    const { ledger } = this.options;
    const id = this.currentId;
    const { running, source, draining, hung } = this.options.describe();
    const values = [id, running, source, draining, hung];
    const sentAtMs = monotonicMs();
    const answer = await (anew
      ? ledger.queryAnew<BeatRow>(this.sql.beat, values)
      : ledger.query<BeatRow>(this.sql.beat, values));
    if (answer.rowCount === 1 && id === this.currentId) this.extend(sentAtMs, answer.rows[0]);
    if (answer.rows[0]?.hung === true) this.options.onHung();
    return answer.rowCount === 1;
  }

  /** Gives back, uncounted, what runs under this id and has not begun here. */
  private async returnRunning(id: string, began: readonly Attempt[]): Promise<void> {
    const { ledger, counters } = this.options;
    const values = [id, ...keysOf(began)];
    const answer = await ledger.query<GivenBackRow>(this.sql.return_running, values, LAST_WORD);
    counters.givenBack += answer.rows.length;
    this.options.onGivenBack(queuedAgain(answer.rows));
  }

  private async register(): Promise<void> {
    const { queues, kinds, concurrency, workerKind } = this.options;
    const id = randomUUID();
    const sentAtMs = monotonicMs();
    const values = [id, hostname(), process.pid, queues, kinds, concurrency, workerKind];
    const answer = await this.options.ledger.query<ClockRow>(this.sql.register, values, GIVEN_UP);
    this.currentId = id;
    this.extend(sentAtMs, answer.rows[0]);
  }

  private extend(sentAtMs: number, clock: ClockRow | undefined): void {
    if (this.stopping.signal.aborted) return;
    this.validUntilMs = Math.max(this.validUntilMs, sentAtMs + this.options.leaseSeconds * 1000);
    if (this.valid) this.lost = false;
    if (clock !== undefined) this.clock = { seconds: clock.now, atMs: monotonicMs() };
  }

  /** Seconds since 1970 by the database's clock, or a little less: as far as it must have come since it was last told. */
  private databaseSeconds(): number {
    return this.clock.seconds + (monotonicMs() - this.clock.atMs) / 1000;
  }

  private lose(): void {
    if (this.lost) return;
    this.lost = true;
    this.options.counters.leaseLost += 1;
    this.options.onLost();
  }

  private async beatLoop(): Promise<void> {
    const { signal } = this.stopping;
    let waitMs = this.options.heartbeatSeconds * 1000;
    while (!signal.aborted) {
      await pause(waitMs, signal);
      try {
        if (!this.stopping.signal.aborted) await this.beat();
        waitMs = this.options.heartbeatSeconds * 1000;
      } catch (error) {
        this.options.logger.debug({ err: error }, 'heartbeat not taken');
        waitMs = RETRY_MS;
      }
    }
  }

  /** Aborts what runs as soon as the lease has run out, however long a heartbeat hangs. */
  private async watchLoop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(CHECK_MS, signal);
      if (!this.valid && !this.stopping.signal.aborted) this.lose();
    }
  }

  private async reconcileLoop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(RECONCILE_MS, signal);
      await this.reconcile().catch((error: unknown) => {
        this.options.logger.debug({ err: error }, 'reconciling with the ledger failed');
      });
    }
  }

  private async reconcile(): Promise<void> {
    const { inHand, counters, logger } = this.options;
    const lostBefore = this.databaseSeconds() - CLAIM_LOST_SECONDS;
    const hand = keysOf(inHand.all());
    const values = [this.currentId, ...hand, idArray(inHand.openClaims()), lostBefore];
    const answer = await this.options.ledger.query<ReconciledRow>(this.sql.reconcile, values, GIVEN_UP);
    // Deleted just now with all others that are neither open nor young.
    inHand.takeEndedClaims();
    const givenBack = answer.rows.filter((row) => row.what === 'given-back');
    if (givenBack.length > 0) {
      counters.givenBack += givenBack.length;
      logger.warn(
        { worker: this.currentId, tasks: givenBack.length },
        'claimed tasks that never arrived were given back',
      );
      this.options.onGivenBack(queuedAgain(givenBack));
    }
    for (const row of answer.rows) {
      if (row.what === 'disowned') inHand.disown(row.id, row.fence);
      if (row.what === 'cancel') inHand.cancel(row.id, row.fence);
    }
  }
}

function keysOf(attempts: readonly Attempt[]): [ids: string, fences: string] {
  return [idArray(attempts.map(({ task }) => task.id)), idArray(attempts.map(({ task }) => task.fence))];
}

/** Tries again until it works. @throws the last error when time is up. */
async function insist(untilMs: number, act: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (monotonicMs() + RETRY_MS > untilMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

export const LEASE_STATEMENTS = [
  'register',
  'beat',
  'reconcile',
  'return_running',
  'leave',
  'beats',
  'expire',
  'orphans',
  'take_back',
  'unclaimed',
  'take_unclaimed',
  'overdue',
  'take_overdue',
  'forget_claims',
  'forget_workers',
] as const;
