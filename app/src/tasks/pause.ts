import { setTimeout as sleep } from 'node:timers/promises';

/** Waits that long, or until the signal aborts; never throws. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
}

/** Milliseconds of the monotonic clock: unlike Date it does not jump, and it goes on while the process is frozen. */
export function monotonicMs(): number {
  return performance.now();
}
