import { setTimeout as sleep } from 'node:timers/promises';
import type { AcceptMode, Payload, Producer } from './contender';
import { BATCH_CALLERS, BATCH_SIZE, clockMs, COALESCED_CALLERS, SINGLE_CALLERS } from './contender';
import type { Span } from './messages';

const CALLERS: Readonly<Record<AcceptMode, number>> = {
  single: SINGLE_CALLERS,
  coalesced: COALESCED_CALLERS,
  batch: BATCH_CALLERS,
};

/** Hands over `count` tasks from as many callers as the mode has, each waiting for its answer before the next. */
export async function acceptAtOnce(producer: Producer, mode: AcceptMode, count: number): Promise<Span> {
  let handedOver = 0;
  const payload = (): Payload => ({ n: handedOver++, at: 0 });
  const caller = async () => {
    while (handedOver < count) {
      if (mode === 'batch') {
        await producer.batch(Array.from({ length: Math.min(BATCH_SIZE, count - handedOver) }, payload));
      } else {
        await producer[mode](payload());
      }
    }
  };
  const beganMs = clockMs();
  await Promise.all(Array.from({ length: CALLERS[mode] }, caller));
  return { beganMs, endedMs: clockMs() };
}

/** Hands over one task every 1/`perSecond` seconds, whether or not the ones before have been answered. */
export async function acceptSteadily(producer: Producer, count: number, perSecond: number): Promise<Span> {
  const beganMs = clockMs();
  const accepted: Promise<unknown>[] = [];
  for (let n = 0; n < count; n += 1) {
    const waitMs = beganMs + (n * 1000) / perSecond - clockMs();
    if (waitMs > 0) await sleep(waitMs);
    accepted.push(producer.coalesced({ n, at: clockMs() }));
  }
  await Promise.all(accepted);
  return { beganMs, endedMs: clockMs() };
}
