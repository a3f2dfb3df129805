interface Entry<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Collects items while the batch before is under way and hands them over together: one at a time when there is little
 * to do, hundreds when there is much. Nothing waits for a timer.
 */
export class Batcher<Item, Result> {
  private waiting: Entry<Item, Result>[] = [];
  private inFlight = 0;
  private running = 0;
  private scheduled = false;

  constructor(
    /** Answers one result per item, in order. */
    private readonly run: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly limits: { readonly maxItems: number; readonly parallel: number },
  ) {}

  /** Items that are waiting or under way. */
  get size(): number {
    return this.waiting.length + this.inFlight;
  }

  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.running >= this.limits.parallel) return;
    this.scheduled = true;
    // After the current turn of the event loop, so that what one turn adds travels together.
    setImmediate(() => {
      this.scheduled = false;
      while (this.waiting.length > 0 && this.running < this.limits.parallel) {
        void this.flush(this.waiting.splice(0, this.limits.maxItems));
      }
    });
  }

  private async flush(entries: readonly Entry<Item, Result>[]): Promise<void> {
    this.running += 1;
    this.inFlight += entries.length;
    try {
      const results = await this.run(entries.map((entry) => entry.item));
      entries.forEach((entry, i) => entry.resolve(results[i] as Result));
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    } finally {
      this.running -= 1;
      this.inFlight -= entries.length;
      if (this.waiting.length > 0) this.schedule();
    }
  }
}
