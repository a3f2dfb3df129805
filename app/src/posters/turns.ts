import { once } from 'node:events';

/** Lets one caller work at a time, in the order in which they came. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /**
   * @param signal ends waiting; whoever comes next waits for the same one as before. Work that has begun obeys it itself.
   * @throws the signal's reason, or what `work` throws
   */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.last;
    const mine = waitFor(before, signal).then(work);
    this.last = Promise.allSettled([before, mine]);
    return mine;
  }
}

async function waitFor(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const over = new AbortController();
  const aborted = once(signal, 'abort', { signal: over.signal }).catch(() => undefined);
  await Promise.race([before, aborted]);
  over.abort();
  signal.throwIfAborted();
}
