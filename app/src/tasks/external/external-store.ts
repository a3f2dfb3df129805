import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimedTask } from '../claiming/claimer';
import { isTransient } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import type { OnUnknown } from '../types';
import { EXTERNAL } from './external-statements';

/** What is known of an external effect before it is called. `fenced-off`: the task is no longer this attempt's. */
export type Begun =
  { readonly outcome: 'receipt'; readonly receipt: unknown } | { readonly outcome: 'call' | 'unknown' | 'fenced-off' };

/** An external effect of one attempt. */
export interface EffectOfAttempt {
  readonly task: ClaimedTask;
  readonly key: string;
  readonly onUnknown: OnUnknown;
}

interface BegunRow {
  outcome: 'receipt' | 'call' | 'unknown';
  receipt: unknown;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/** Intents and receipts in the ledger. What PostgreSQL did not answer is written again: the fence makes that harmless. */
export class ExternalStore {
  constructor(private readonly ledger: Ledger) {}

  /** Writes the intent, where the attempt may call. @param goOn asked before each repetition. */
  async begin({ task, key, onUnknown }: EffectOfAttempt, goOn: () => boolean): Promise<Begun> {
    const { rows } = await this.insist(
      () => this.query<BegunRow>('begin', [task.id, task.fence, key, onUnknown]),
      goOn,
    );
    const [row] = rows;
    if (row === undefined) return { outcome: 'fenced-off' };
    return row.outcome === 'receipt' ? { outcome: 'receipt', receipt: row.receipt } : { outcome: row.outcome };
  }

  /** Writes the receipt, however long PostgreSQL is away: it happened, whoever has the task by now. */
  async received({ task, key, onUnknown }: EffectOfAttempt, receipt: string | undefined): Promise<void> {
    const values = [task.id, task.fence, key, onUnknown, receipt ?? null];
    await this.insist(
      () => this.query('received', values),
      () => true,
    );
  }

  /** Takes the intent back. @param goOn asked before each repetition. */
  async notSent({ task, key }: EffectOfAttempt, goOn: () => boolean): Promise<void> {
    await this.insist(() => this.query('not_sent', [task.id, task.fence, key]), goOn);
  }

  private query<Row extends object>(name: keyof typeof EXTERNAL, values: readonly unknown[]) {
    return this.ledger.query<Row>(EXTERNAL[name], values);
  }

  private async insist<T>(ask: () => Promise<T>, goOn: () => boolean): Promise<T> {
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await ask();
      } catch (error) {
        if (!isTransient(error) || !goOn()) throw error;
      }
      await sleep(waitMs);
    }
  }
}
