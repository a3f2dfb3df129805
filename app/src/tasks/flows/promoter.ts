import { Batcher } from '../batcher';
import type { Dispatcher } from '../dispatching/dispatcher';
import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { monotonicMs } from '../pause';
import type { TaskLogger } from '../types';
import { FLOWS } from './flow-statements';
import { dueOf, reportCancelled, settle } from './settling';

/** How long the answer to "does anything wait?" is believed: a flow begun within it may be left to the sweep. */
const BELIEVED_MS = 1_000;

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
  private readonly batch: Batcher<string, void>;
  private anyOpen = false;
  private askedMs = -Infinity;

  constructor(private readonly options: PromoterOptions) {
    this.batch = new Batcher((ids) => this.promote(ids).then(() => ids.map(() => undefined)), {
      maxItems: 500,
      parallel: 1,
    });
  }

  /** Called after the task's end was committed. */
  ended(id: string): void {
    if (!this.anyOpen && !this.stale()) return;
    this.batch.add(id).catch((error: unknown) => {
      this.options.logger.debug({ err: error }, 'what waited for an ended task is left to the sweep');
    });
  }

  private stale(): boolean {
    return monotonicMs() - this.askedMs > BELIEVED_MS;
  }

  private async promote(ids: readonly string[]): Promise<void> {
    const { ledger, dispatcher, logger } = this.options;
    if (this.stale()) {
      const answer = await ledger.query<{ any: boolean }>(FLOWS.any_open);
      this.anyOpen = answer.rows[0]?.any === true;
      this.askedMs = monotonicMs();
    }
    if (!this.anyOpen) return;
    const settled = await settle((text, values) => ledger.query(text, values), { ended: idArray(ids) });
    dispatcher.push(dueOf(settled));
    reportCancelled(settled, logger);
  }
}
