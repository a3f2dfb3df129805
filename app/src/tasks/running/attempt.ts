import type { ClaimedTask } from '../claiming/claimer';
import { AttemptAborted } from '../errors';
import type { AbortReason } from '../errors';
import { Externals } from '../external/externals';
import type { Holder } from '../finishing/finisher';
import type { Transaction } from '../types';

/** What came of calling the handler. */
export type Outcome =
  { readonly ok: true; readonly result: string | undefined } | { readonly ok: false; readonly error: unknown };

/** One claimed task in this worker, from the claim's answer until its end is written. */
export class Attempt {
  /** The handler has returned and its end is being written; only the fence can stop it now. */
  finishing = false;
  /** Database effects that the handler registered, in order. */
  readonly effects: ((tx: Transaction) => Promise<unknown>)[] = [];
  /** Transactions of the handler's own that have not ended, and what is known of each. */
  readonly transactions = new Map<Promise<unknown>, { holder?: Holder }>();
  readonly externals = new Externals();
  /** No transaction of the handler's own may go on. */
  closed = false;
  readonly beganMs = performance.now();
  readonly limitMs: number;
  private readonly settled: Promise<Outcome>;
  private resolve!: (outcome: Outcome) => void;
  /** Made when it is first asked for: most handlers are shorter than it takes to make one. */
  private controller: AbortController | undefined;
  private aborted: AttemptAborted | undefined;

  constructor(readonly task: ClaimedTask) {
    this.limitMs = this.beganMs + task.timeLimitSeconds * 1000;
    this.settled = new Promise((resolve) => (this.resolve = resolve));
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted);
    }
    return this.controller.signal;
  }

  /** Why it was aborted, if it was. The first reason stays. */
  get abortion(): AttemptAborted | undefined {
    return this.aborted;
  }

  abort(reason: AbortReason): void {
    if (this.aborted !== undefined) return;
    this.aborted = new AttemptAborted(reason);
    this.controller?.abort(this.aborted);
  }

  /** The first outcome counts: that of the handler, or that it was given up. */
  settle(outcome: Outcome): void {
    this.resolve(outcome);
  }

  outcome(): Promise<Outcome> {
    return this.settled;
  }
}
