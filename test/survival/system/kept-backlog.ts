import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, ProbeRequest } from './load';
import type { System } from './system';

/** Fewer unfinished tasks than this, and another request is made. */
const WANTED = 2_000;
const BURST: ProbeRequest = { count: 1_500, runMs: 100 };
/** Requests without an answer yet: a frozen web process would do all of them when it wakes up. */
const MOST_OPEN = 2;
const LOOK_MS = 250;

/** Callers that see to it that thousands of tasks are always unfinished, as far as anybody accepts them. */
export class KeptBacklog {
  private readonly stopping = new AbortController();
  private readonly kept: Promise<void>;
  private known = 0;
  private open = 0;

  constructor(
    private readonly system: System,
    private readonly load: Load,
  ) {
    this.kept = this.keep();
  }

  /** Tasks that are unfinished; where the ledger cannot be asked as many as before, since nobody can end one then. */
  async unfinished(): Promise<number> {
    this.known = await this.system.ledger.unfinished().catch(() => this.known);
    return this.known;
  }

  /** Asks for nothing more; what was asked for may still be accepted. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.kept;
  }

  private async keep(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      if ((await this.unfinished()) < WANTED && this.open < MOST_OPEN) {
        this.open += 1;
        void this.load.post(BURST).finally(() => (this.open -= 1));
      }
      await sleep(LOOK_MS);
    }
  }
}
