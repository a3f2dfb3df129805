import { pauseUnless } from '../pause';

/** Lets others wait until something changes. Who waits no longer leaves nothing behind. */
export class Changes {
  private readonly watchers = new Set<() => void>();

  /** Who is waiting now. */
  get watched(): number {
    return this.watchers.size;
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => this.watchers.add(resolve));
  }

  /** As `next`, at most that long, or until one of the signals aborts. */
  async within(milliseconds: number, signals: readonly AbortSignal[] = []): Promise<void> {
    const change = new AbortController();
    const wake = (): void => change.abort();
    this.watchers.add(wake);
    await pauseUnless(milliseconds, [...signals, change.signal]);
    this.watchers.delete(wake);
  }

  notify(): void {
    if (this.watchers.size === 0) return;
    const watchers = [...this.watchers];
    this.watchers.clear();
    for (const wake of watchers) wake();
  }
}
