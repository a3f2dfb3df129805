import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from '../dispatching/dispatcher';
import type { Ledger } from '../ledger/ledger';
import { monotonicMs } from '../pause';
import type { TaskLogger } from '../types';
import { FLOWS } from './flow-statements';
import { dueOf, reportCancelled, Settling } from './settling';

/** How long the answer to "does anything wait?" is believed: a flow begun within it may be left to the sweep. */
const BELIEVED_MS = 1_000;

/** Tasks that have ended and are still to be looked at; more are left to the sweep. */
const MOST_ENDED = 10_000;
const ENDED_AT_ONCE = 500;

export interface PromoterOptions {
  readonly ledger: Ledger;
  readonly dispatcher: Pick<Dispatcher, 'push'>;
  readonly logger: TaskLogger;
}

/**
 * Lets the children of tasks that this worker has ended run at once. Only the fast way: whatever it misses, the sweep
 * finds. While the ledger holds no task that waits, an end costs a comparison, and the ledger one look a second.
 */
export class Promoter {
  private ids: string[] = [];
  private readonly settling = new Settling();
  private working: Promise<void> | undefined;
  private stopping = false;
  private anyOpen = false;
  private askedMs = -Infinity;

  constructor(private readonly options: PromoterOptions) {}

  /** Called after the task's end was committed. */
  ended(id: string): void {
    if (!this.anyOpen && !this.stale()) return;
    if (this.ids.length >= MOST_ENDED) return;
    this.ids.push(id);
    this.working ??= this.work();
  }

  /** Leaves what it would still have to do for long to the sweeps of others. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.working;
  }

  private stale(): boolean {
    return monotonicMs() - this.askedMs > BELIEVED_MS;
  }

  private async work(): Promise<void> {
    // After the current turn of the event loop, so that what one turn adds travels together.
    await nextTurn();
    try {
      while (this.ids.length > 0 || (!this.settling.over && !this.stopping)) await this.promote();
    } catch (error) {
      this.ids = [];
      this.settling.forget();
      this.options.logger.debug({ err: error }, 'what waited for ended tasks is left to the sweep');
    } finally {
      this.working = undefined;
    }
  }

  /** A piece of what waits for those that have just ended, and one of what is left from before: neither holds up the other. */
  private async promote(): Promise<void> {
    const ids = this.ids.splice(0, ENDED_AT_ONCE);
    if (this.stale()) {
      const answer = await this.options.ledger.query<{ any: boolean }>(FLOWS.any_open);
      this.anyOpen = answer.rows[0]?.any === true;
      this.askedMs = monotonicMs();
    }
    if (!this.anyOpen) {
      this.settling.forget();
      return;
    }
    if (!this.settling.over) await this.settleNext();
    this.settling.after(ids);
    if (ids.length > 0) await this.settleNext();
  }

  private async settleNext(): Promise<void> {
    const { ledger, dispatcher, logger } = this.options;
    const settled = await this.settling.next((text, values) => ledger.query(text, values));
    dispatcher.push(dueOf(settled));
    reportCancelled(settled, logger);
  }
}
