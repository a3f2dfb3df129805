import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest that somebody is listened to whose upload was refused, in milliseconds. */
const REST_MS = 5000;

/**
 * Reads what is left of a refused upload and throws it away, at most as much as a file may hold and for 5 s: a client
 * that is still sending would otherwise find its connection cut instead of our answer.
 */
export async function discardRest(body: Readable, maxBytes: number): Promise<void> {
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) return;
    }
  })();
  const limit = new AbortController();
  await Promise.race([reading, sleep(REST_MS, undefined, { signal: limit.signal })]).catch(() => undefined);
  limit.abort();
}
