import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions {
  /** Seconds after which waiting is given up. */
  readonly limitSeconds: number;
  /** Pause between two looks. @default 25 */
  readonly everyMilliseconds?: number;
}

/**
 * Waits until `look` answers with something else than undefined or false, and returns that.
 * Throws a sentence with `what` and the limit when it takes longer than `limitSeconds`; what `look` throws passes through.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { limitSeconds, everyMilliseconds = 25 }: WaitOptions,
): Promise<T> {
  const end = performance.now() + limitSeconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= end) throw new Error(`Waited ${limitSeconds} s in vain until ${what}.`);
    await pause(everyMilliseconds);
  }
}

/** True when `promise` is settled within `limitSeconds`; false when it takes longer. What it rejects with passes through. */
export async function settlesWithin(promise: Promise<unknown>, limitSeconds: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise.then(() => true),
      pause(limitSeconds * 1000, false, { signal: timer.signal, ref: true }),
    ]);
  } finally {
    timer.abort();
  }
}
