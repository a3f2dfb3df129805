import { Discard, NonRetryable, NotSent, Snooze } from '../errors';
import { FencedOff } from '../finishing/finisher';
import { isUnstorable } from '../ledger/connection-errors';
import type { Attempt } from '../running/attempt';
import { describe } from '../running/describe';
import { isA } from '../running/verdict';
import { storableJson } from '../storable-json';
import type { ExternalCall, ExternalOptions } from '../types';
import type { EffectOfAttempt, ExternalStore } from './external-store';
import { Parked } from './parked';
import { unlessAborted } from './unless-aborted';

/** Longest key, in characters: with the task's id before it, it fits into what providers take (Stripe: 255). */
export const MAX_EXTERNAL_KEY_LENGTH = 100;
/** Receipts are read whole with their task; a provider's answer is an id, seldom more. */
export const MAX_RECEIPT_BYTES = 16 * 1024;
/** How long an attempt that is aborted waits for its receipt to be written; its handler has five seconds to obey. */
const ABORTED_GRACE_MS = 2_000;
const UNUSABLE = /\0|\p{Surrogate}/u;

/**
 * An external effect of a running attempt: intent, call, receipt.
 * @throws FencedOff, Parked, NotSent, NonRetryable, or what `call` throws.
 */
export async function external<R>(
  attempt: Attempt,
  store: ExternalStore,
  key: string,
  { onUnknown }: ExternalOptions,
  call: (call: ExternalCall) => Promise<R>,
): Promise<R | null> {
  check(attempt, key, onUnknown);
  const { task } = attempt;
  const effect: EffectOfAttempt = { task, key, onUnknown };
  const known = attempt.externals.begin(key, onUnknown);
  const goOn = (): boolean => attempt.abortion === undefined;
  try {
    const begun = await store.begin(effect, goOn);
    if (begun.outcome === 'receipt') {
      known.settle();
      return begun.receipt as R | null;
    }
    if (begun.outcome === 'fenced-off') throw new FencedOff();
    if (begun.outcome === 'unknown') throw known.doubt(undefined);
    if (attempt.abortion !== undefined) throw new NotSent(attempt.abortion);
  } catch (error) {
    if (isA(error, Parked)) throw error;
    known.settle();
    if (!isA(error, NotSent)) throw error;
    await store.notSent(effect, () => false).catch(() => undefined);
    throw error.cause;
  }
  let returned: R;
  try {
    returned = await call({ idempotencyKey: `${task.uuid}:${key}`, signal: attempt.signal });
  } catch (error) {
    if (isA(error, NotSent)) {
      await store.notSent(effect, goOn).catch((refusal: unknown) => {
        if (onUnknown === 'park') throw known.doubt(refusal);
      });
      known.settle();
      throw isVerdict(error.cause) ? error.cause : error;
    }
    if (onUnknown === 'park') throw known.doubt(error);
    known.settle();
    throw error;
  }
  try {
    return await receive(attempt, store, effect, returned);
  } catch (error) {
    // Unusable, but stored as null: what happened is known.
    if (onUnknown === 'park' && !isA(error, NonRetryable)) throw known.doubt(error);
    throw error;
  } finally {
    known.settle();
  }
}

/** Writes the receipt. An attempt that is aborted meanwhile waits no longer, and the writing goes on. */
async function receive<R>(
  attempt: Attempt,
  store: ExternalStore,
  effect: EffectOfAttempt,
  returned: R,
): Promise<R | null> {
  let json: string | undefined;
  let unusable: NonRetryable | undefined;
  try {
    json = storableJson(`the receipt of ${JSON.stringify(effect.key)}`, returned, MAX_RECEIPT_BYTES);
  } catch (error) {
    if (!(error instanceof NonRetryable)) throw error;
    unusable = error;
  }
  const writing = store.received(effect, json).catch(async (error: unknown) => {
    if (!isUnstorable(error)) throw error;
    unusable = new NonRetryable(`PostgreSQL does not store the receipt: ${describe(error)}`, { cause: error });
    await store.received(effect, undefined);
  });
  await unlessAborted(attempt.signal, ABORTED_GRACE_MS, writing);
  if (unusable !== undefined) throw unusable;
  // As a later attempt would read it.
  return json === undefined ? null : (JSON.parse(json) as R);
}

function check(attempt: Attempt, key: string, onUnknown: unknown): void {
  const wrong = (what: string): never => {
    throw new NonRetryable(`external: ${what}`);
  };
  if (typeof key !== 'string' || key.length < 1 || key.length > MAX_EXTERNAL_KEY_LENGTH || UNUSABLE.test(key)) {
    wrong(`key is ${JSON.stringify(key)}; allowed is text of 1 to ${MAX_EXTERNAL_KEY_LENGTH} characters`);
  }
  if (onUnknown !== 'repeat' && onUnknown !== 'park') {
    wrong(`onUnknown is ${JSON.stringify(onUnknown)}; allowed is repeat, park`);
  }
  if (attempt.finishing) wrong('the attempt is over: await every external effect before the handler returns');
  if (attempt.transactions.size > 0) {
    wrong('a transaction of this handler is open and holds its task; call after it has ended');
  }
  if (attempt.externals.has(key)) {
    wrong(`key ${JSON.stringify(key)} was used before in this attempt; give each effect of a task a key of its own`);
  }
}

/** What a handler can say about its attempt's end. */
function isVerdict(cause: unknown): boolean {
  return isA(cause, Snooze) || isA(cause, Discard) || isA(cause, NonRetryable);
}
