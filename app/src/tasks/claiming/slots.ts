import type { Runner } from '../running/runner';

/** Who fills a worker's slots: takes from lanes, and claims from limited queues. */
export type Filler = 'lanes' | 'limited';

/**
 * Shares a worker's free slots among those who fill them. Whoever asks the ledger reserves slots first; one that has work
 * and found no slot says so, and the next one that comes free is left to it, by turns when both do.
 */
export class Slots {
  private held = 0;
  private readonly wanting = new Set<Filler>();
  private turn: Filler = 'lanes';

  constructor(private readonly runner: Pick<Runner, 'free' | 'notify'>) {}

  /** Slots that claims under way may need. */
  get reserved(): number {
    return this.held;
  }

  /** Slots that `filler` may reserve now. */
  free(filler: Filler): number {
    const free = this.runner.free - this.held;
    const other = filler === 'lanes' ? 'limited' : 'lanes';
    const yields = this.wanting.has(other) && !(this.wanting.has(filler) && this.turn === filler);
    return Math.max(0, yields ? free - 1 : free);
  }

  /** `filler` has work for a slot, or (`none`) no more. */
  ask(filler: Filler, work: 'some' | 'none'): void {
    if (work === 'some') this.wanting.add(filler);
    else if (this.wanting.delete(filler)) this.runner.notify();
  }

  /** Keeps slots until the answer is released. */
  reserve(filler: Filler, count: number): () => void {
    this.held += count;
    this.turn = filler === 'lanes' ? 'limited' : 'lanes';
    return () => {
      this.held -= count;
      this.runner.notify();
    };
  }
}
