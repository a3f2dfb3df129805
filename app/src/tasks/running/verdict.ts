import type { TaskDefinition } from '../definition';
import { Discard, NonRetryable, Snooze } from '../errors';
import type { AttemptAborted } from '../errors';
import { Parked } from '../external/parked';
import { backoffSeconds } from '../finishing/backoff';
import type { Failure } from '../finishing/finisher';
import { describe } from './describe';

/** Of a worker whose handler went missing between claim and call; definitions name their own. */
const DEFAULT_BACKOFF = { firstSeconds: 1, factor: 2, maxSeconds: 3600, jitter: 0.2 };

/** An attempt that did not succeed. */
export interface FailedAttempt {
  readonly thrown: unknown;
  /** By the engine; goes before anything that the handler threw because of it. */
  readonly abortion: AttemptAborted | undefined;
  readonly definition: TaskDefinition | undefined;
  /** Failed attempts of its budget so far, this one included. */
  readonly failures: number;
  /** Told of a `retryIf` that threw. */
  readonly onBadPolicy: (error: unknown) => void;
}

/** What follows from what a handler threw. */
export function verdictOf(failed: FailedAttempt): Omit<Failure, 'task'> {
  const { thrown, abortion, definition, failures } = failed;
  const backoff = definition?.backoff ?? DEFAULT_BACKOFF;
  const error = describe(reasonOf(failed));
  const retry = { error, deadReason: undefined, delaySeconds: backoffSeconds(backoff, failures) };
  // Cancelled ones need no decision.
  if (isA(thrown, Parked) && abortion?.reason !== 'cancelled') return { ...retry, verdict: 'parked' };
  if (abortion === undefined) {
    if (isA(thrown, Snooze)) return { ...retry, verdict: 'snoozed', delaySeconds: thrown.seconds };
    if (isA(thrown, Discard)) return { ...retry, verdict: 'cancelled' };
  }
  const hopeless = abortion === undefined && isA(thrown, NonRetryable);
  if (hopeless || !mayHelp(failed)) return { ...retry, verdict: 'dead', deadReason: 'non-retryable' };
  return { ...retry, verdict: 'retry' };
}

/** Why the attempt failed: what ended it, unless that left something in doubt. */
export function reasonOf({ thrown, abortion }: Pick<FailedAttempt, 'thrown' | 'abortion'>): unknown {
  return isA(thrown, Parked) ? thrown : (abortion ?? thrown);
}

/** Whether the definition's policy sees a use in another attempt. Asked about the task's own failures only. */
function mayHelp({ thrown, abortion, definition, onBadPolicy }: FailedAttempt): boolean {
  if (definition?.retryIf === undefined) return true;
  if (abortion !== undefined && abortion.reason !== 'time-limit') return true;
  try {
    return (definition.retryIf(abortion ?? thrown) as unknown) !== false;
  } catch (error) {
    onBadPolicy(error);
    return true;
  }
}

/** Whatever was thrown may be a proxy that throws at every look. */
export function isA<Kind extends Error>(thrown: unknown, kind: new (...args: never[]) => Kind): thrown is Kind {
  try {
    return thrown instanceof kind;
  } catch {
    return false;
  }
}
