import type { TaskDefinition } from '../definition';
import { Discard, NonRetryable, Snooze } from '../errors';
import type { AttemptAborted } from '../errors';
import { backoffSeconds } from '../finishing/backoff';
import type { Failure } from '../finishing/finisher';
import { describe } from './describe';

/** Of a worker whose handler went missing between claim and call; definitions name their own. */
const DEFAULT_BACKOFF = { firstSeconds: 1, factor: 2, maxSeconds: 3600, jitter: 0.2 };

/** What follows from what a handler threw; an abortion by the engine goes before anything that it threw because of it. */
export function verdictOf(
  thrown: unknown,
  abortion: AttemptAborted | undefined,
  definition: TaskDefinition | undefined,
  failures: number,
): Omit<Failure, 'task'> {
  const backoff = definition?.backoff ?? DEFAULT_BACKOFF;
  const error = describe(abortion ?? thrown);
  const retry = { error, deadReason: undefined, delaySeconds: backoffSeconds(backoff, failures) };
  if (abortion !== undefined) return { ...retry, verdict: 'retry' };
  if (isA(thrown, Snooze)) return { ...retry, verdict: 'snoozed', delaySeconds: thrown.seconds };
  if (isA(thrown, Discard)) return { ...retry, verdict: 'cancelled' };
  if (isA(thrown, NonRetryable)) return { ...retry, verdict: 'dead', deadReason: 'non-retryable' };
  return { ...retry, verdict: 'retry' };
}

/** Whatever was thrown may be a proxy that throws at every look. */
function isA<Kind extends Error>(thrown: unknown, kind: new (...args: never[]) => Kind): thrown is Kind {
  try {
    return thrown instanceof kind;
  } catch {
    return false;
  }
}
