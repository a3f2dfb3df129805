import { setTimeout as sleep } from 'node:timers/promises';

/** Waits that long, or until the signal aborts; never throws. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** As `pause`, until any of the signals aborts. Leaves nothing behind on them: they may live as long as the process. */
export async function pauseUnless(milliseconds: number, signals: readonly AbortSignal[]): Promise<void> {
  const wait = new AbortController();
  const end = (): void => wait.abort();
  for (const signal of signals) {
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  }
  await pause(milliseconds, wait.signal);
  for (const signal of signals) signal.removeEventListener('abort', end);
}

/** Milliseconds of the monotonic clock: unlike Date it does not jump, and it goes on while the process is frozen. */
export function monotonicMs(): number {
  return performance.now();
}

/** What the promise resolves to, or undefined when that takes longer. The promise goes on; nothing of it is cancelled. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, pause(milliseconds, timer.signal).then(() => undefined)]);
  } finally {
    timer.abort();
  }
}
