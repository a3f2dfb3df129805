import type { ClaimedTask, Claimer } from '../claiming/claimer';
import { LaneOrder } from '../claiming/lane-order';
import type { Slots } from '../claiming/slots';
import type { Lease } from '../leases/lease';
import type { Counters } from '../metrics';
import { monotonicMs, pauseUnless, within } from '../pause';
import type { Runner } from '../running/runner';
import type { TaskLogger } from '../types';
import type { LimitedClaimer } from './limited-claimer';

export interface LimitedTakerOptions {
  readonly limits: Pick<LimitedClaimer, 'closed' | 'claim'>;
  readonly claimer: Pick<Claimer, 'oldest'>;
  readonly slots: Slots;
  readonly lease: Lease;
  readonly runner: Runner;
  readonly counters: Counters;
  readonly logger: TaskLogger;
  /** Queues claimed tasks again that did not begin. @throws when PostgreSQL does not take it; the lease finds them. */
  giveBack(tasks: readonly ClaimedTask[]): Promise<void>;
}

/** How often the ledger is asked which queues are limited or paused. */
const LOOK_MS = 500;
/** How often while some are limited: what others of the fleet ended makes room that nobody tells this worker of. */
const LIMITED_LOOK_MS = 250;
/** Somebody else was counting: it takes milliseconds. Doubles up to the look. */
const LOCKED_MS = 20;
/** As of every claim: below the time after which what never arrived is given back. */
const CLAIM_LIMIT_MS = 3_000;

/**
 * Takes tasks of queues that have limits, which bypass Redis: asks at once when one of theirs has ended here, and else a few
 * times a second. Knows which queues ordinary takes have to leave out.
 */
export class LimitedTaker {
  private readonly stopping = new AbortController();
  private closedQueues: ReadonlySet<string> = new Set();
  private limitedQueues: ReadonlySet<string> = new Set();
  /** Limited queues of which a task waits that must run alone. */
  private suspectQueues: readonly string[] = [];
  /** Limited queues to ask now. */
  private readonly ready = new Set<string>();
  private readonly orders = new Map<string, LaneOrder>();
  private turn = new AbortController();
  private running: Promise<void> | undefined;
  private paused = false;
  private abandoned = false;
  private taking = false;
  private lookedMs = -Infinity;
  private waitMs = LOCKED_MS;

  constructor(private readonly options: LimitedTakerOptions) {}

  /** Queues of which ordinary takes need not ask: paused or limited. */
  get closed(): ReadonlySet<string> {
    return this.closedQueues;
  }

  get suspects(): readonly string[] {
    return this.suspectQueues;
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** What a claim still under way brings is given back from here on. */
  abandon(): void {
    this.abandoned = true;
  }

  /** Begins no more takes until `resume`. Resolves when none is under way. */
  async pause(): Promise<void> {
    this.paused = true;
    this.options.slots.ask('limited', 'none');
    while (this.endsTaking()) await this.options.runner.changed();
  }

  resume(): void {
    this.paused = false;
    this.turn.abort();
  }

  /** A task of this queue has ended here: if the queue is limited, there may be room for another. */
  ended(queue: string): void {
    if (!this.limitedQueues.has(queue)) return;
    this.ready.add(queue);
    this.waitMs = LOCKED_MS;
    this.turn.abort();
  }

  private endsTaking(): boolean {
    return this.paused && this.taking;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { runner, lease, logger } = this.options;
    while (!signal.aborted) {
      this.turn = new AbortController();
      try {
        this.taking = true;
        if (monotonicMs() - this.lookedMs >= this.lookEveryMs) await this.look();
        if (!this.paused && lease.valid) await this.takeReady();
      } catch (error) {
        logger.debug({ err: error }, 'asking limited queues failed; trying again');
      } finally {
        this.taking = false;
        if (this.paused) runner.notify();
      }
      await this.untilNext();
    }
    this.options.slots.ask('limited', 'none');
  }

  private get lookEveryMs(): number {
    return this.limitedQueues.size > 0 ? LIMITED_LOOK_MS : LOOK_MS;
  }

  private async untilNext(): Promise<void> {
    const { slots, runner } = this.options;
    const signals = [this.stopping.signal, this.turn.signal];
    const lookMs = Math.max(0, this.lookedMs + this.lookEveryMs - monotonicMs());
    if (this.ready.size === 0 || this.paused) return pauseUnless(lookMs, signals);
    // The next slot that comes free is left to limited queues.
    if (slots.free('limited') === 0) return runner.changedWithin(lookMs, signals);
    await pauseUnless(Math.min(this.waitMs, lookMs), signals);
    this.waitMs = Math.min(this.waitMs * 2, LIMITED_LOOK_MS);
  }

  private async look(): Promise<void> {
    this.lookedMs = monotonicMs();
    const before = this.closedQueues;
    const closed = await this.options.limits.closed();
    this.closedQueues = new Set(closed.map(({ name }) => name));
    this.limitedQueues = new Set(closed.filter(({ paused }) => !paused).map(({ name }) => name));
    this.suspectQueues = closed.filter(({ suspects }) => suspects).map(({ name }) => name);
    for (const name of this.ready) if (!this.limitedQueues.has(name)) this.ready.delete(name);
    for (const { name, due } of closed) if (due) this.ready.add(name);
    const reopened = [...before].filter((name) => !this.closedQueues.has(name));
    if (reopened.length > 0 && !this.paused) await this.takeReopened(reopened);
  }

  /** A take that waits in Redis does not wait for these queues yet: their oldest tasks come straight from the ledger. */
  private async takeReopened(queues: readonly string[]): Promise<void> {
    const lanes = new LaneOrder(queues.map((name) => ({ name, weight: 1 }))).next();
    await this.claim((workerId, free) => this.options.claimer.oldest(workerId, lanes, free));
  }

  /** Asks each queue that has something due, or had room made. One that somebody else is asking, or that has more, stays. */
  private async takeReady(): Promise<void> {
    const { limits, slots } = this.options;
    for (const queue of [...this.ready]) {
      if (slots.free('limited') === 0) break;
      const lanes = this.orderOf(queue).next();
      const claimed = await this.claim((workerId, free) => limits.claim(workerId, queue, lanes, free));
      if (claimed === 'done') this.ready.delete(queue);
    }
    slots.ask('limited', this.ready.size > 0 && slots.free('limited') === 0 ? 'some' : 'none');
  }

  private async claim(
    ask: (workerId: string, free: number) => Promise<ClaimedTask[] | undefined>,
  ): Promise<'done' | 'again'> {
    const { slots, lease, counters } = this.options;
    const free = slots.free('limited');
    if (free === 0 || !lease.valid) return 'again';
    const release = slots.reserve('limited', free);
    const workerId = lease.id;
    const answer = ask(workerId, free);
    try {
      const inTime = await within(
        CLAIM_LIMIT_MS,
        answer.then((claimed) => ({ claimed })),
      );
      if (inTime === undefined) void this.giveBackLate(answer);
      const claimed = inTime?.claimed;
      if (claimed === undefined) return 'again';
      this.waitMs = LOCKED_MS;
      counters.claimedFromPostgres += claimed.length;
      await this.begin(workerId, claimed);
      return claimed.length === free ? 'again' : 'done';
    } finally {
      release();
    }
  }

  /** Nobody waits for it any more, and its slots are others' by now. */
  private async giveBackLate(answer: Promise<ClaimedTask[] | undefined>): Promise<void> {
    try {
      const claimed = await answer;
      if (claimed !== undefined) await this.options.giveBack(claimed);
    } catch (error) {
      this.options.logger.debug({ err: error }, 'a late claim was not given back; the ledger finds what it took');
    }
  }

  private async begin(workerId: string, tasks: readonly ClaimedTask[]): Promise<void> {
    const { lease, runner } = this.options;
    if (!this.abandoned && lease.valid && lease.id === workerId) for (const task of tasks) runner.start(task);
    else await this.options.giveBack(tasks);
  }

  private orderOf(queue: string): LaneOrder {
    const known = this.orders.get(queue) ?? new LaneOrder([{ name: queue, weight: 1 }]);
    this.orders.set(queue, known);
    return known;
  }
}
