/** A definition or an option is wrong: a mistake in the program, found before anything runs. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  constructor(where: string, field: string, given: unknown, allowed: string) {
    // JSON has no NaN and no Infinity; it would call both null.
    const shown = typeof given === 'number' ? String(given) : JSON.stringify(given);
    super(`${where}: ${field} is ${shown}; allowed is ${allowed}`);
  }
}

/** What a caller asked to accept cannot be accepted; nothing was written. `path` says which part. */
export class InvalidTaskError extends Error {
  override readonly name = 'InvalidTaskError';
  constructor(
    readonly path: string,
    reason: string,
  ) {
    super(`${path}: ${reason}`);
  }
}

/** The task exists but is in a state in which the request makes no sense; nothing was changed. */
export class TaskStateError extends Error {
  override readonly name = 'TaskStateError';
  constructor(
    readonly taskId: string,
    readonly state: string,
    wanted: string,
  ) {
    super(`task ${taskId} is ${state}; ${wanted}`);
  }
}

/** The request key was used for something else within the last 24 hours; nothing was accepted. */
export class RequestKeyReusedError extends Error {
  override readonly name = 'RequestKeyReusedError';
  constructor(
    readonly taskName: string,
    readonly requestKey: string,
  ) {
    super(
      `the request key ${JSON.stringify(requestKey)} was used for another request; choose a new key for a new request`,
    );
  }
}

/** The task's unique key is held by another task, so it cannot be queued again; nothing was changed. */
export class KeyHeldError extends Error {
  override readonly name = 'KeyHeldError';
  constructor(
    readonly taskId: string,
    readonly uniqueKey: string,
    /** The task that holds it. */
    readonly holderId: string,
  ) {
    super(
      `the unique key ${JSON.stringify(uniqueKey)} of task ${taskId} is held by task ${holderId}; wait for that one, or cancel it`,
    );
  }
}

/** Tasks under the unique key were accepted and started faster than this call could follow; nothing was accepted. */
export class KeyBusyError extends Error {
  override readonly name = 'KeyBusyError';
  constructor(
    readonly taskName: string,
    readonly uniqueKey: string,
  ) {
    super(
      `too many tasks '${taskName}' are accepted under the unique key ${JSON.stringify(uniqueKey)} at this moment; try again`,
    );
  }
}

/**
 * COMMIT was sent and its answer never came: the transaction may or may not have happened.
 * The caller must ask the database, or repeat under the same idempotency key.
 */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
  constructor(cause: unknown) {
    super('the connection to PostgreSQL was lost while committing, so whether the transaction happened is unknown', {
      cause,
    });
  }
}

/** A statement came after its transaction had ended; it was not sent, for it would have been committed by itself. */
export class TransactionEndedError extends Error {
  override readonly name = 'TransactionEndedError';
  constructor() {
    super('the transaction has ended; await every statement inside the function that was given to it');
  }
}

/** Thrown by a handler: more attempts would not help, so the task is dead at once with this reason. */
export class NonRetryable extends Error {
  override readonly name = 'NonRetryable';
}

/** Thrown by a handler: there is nothing to do any more. The task is cancelled with this message, and nobody is alarmed. */
export class Discard extends Error {
  override readonly name = 'Discard';
}

/**
 * Thrown by the call of an external effect: the receiver certainly did nothing (it refused, or was never reached). The
 * intent is taken back and the attempt fails as usual, also under `onUnknown: 'park'`; a Snooze, Discard or NonRetryable
 * as its cause is what the attempt ends with.
 */
export class NotSent extends Error {
  override readonly name = 'NotSent';
  constructor(cause: unknown) {
    super(`nothing was sent: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Thrown by a handler: not now, but later. The attempt does not count. */
export class Snooze extends Error {
  override readonly name = 'Snooze';
  readonly seconds: number;

  /**
   * @param until a moment, or seconds from now; past ones mean at once, at most a year ahead.
   * @throws DefinitionError for anything else.
   */
  constructor(until: Date | number) {
    const seconds = typeof until === 'number' ? until : (until.getTime() - Date.now()) / 1000;
    if (!(seconds <= MAX_SNOOZE_SECONDS)) {
      throw new DefinitionError('Snooze', 'until', until, 'seconds or a date, at most a year ahead');
    }
    super(`snoozed for ${Math.max(0, Math.round(seconds))} s`);
    this.seconds = Math.max(0, seconds);
  }
}

const MAX_SNOOZE_SECONDS = 366 * 24 * 3600;

/**
 * A handler went on past its time limit without obeying its signal, so its worker cannot be trusted: it takes no more
 * tasks, and its process has to end.
 */
export class HungHandlerError extends Error {
  override readonly name = 'HungHandlerError';
  /** @param task what hangs; undefined when other workers found it. */
  constructor(task?: { readonly uuid: string; readonly name: string }) {
    const what = task === undefined ? 'a task of this worker' : `the handler of task ${task.uuid} (${task.name})`;
    super(`${what} goes on past its time limit and does not obey its signal: the process must be started anew`);
  }
}

/** Why a running attempt's signal was aborted. */
export type AbortReason = 'time-limit' | 'lease-lost' | 'draining' | 'cancelled';

/** What `signal.reason` is when the engine aborts an attempt. */
export class AttemptAborted extends Error {
  override readonly name = 'AttemptAborted';
  constructor(readonly reason: AbortReason) {
    super(
      {
        'time-limit': 'the attempt took longer than its time limit',
        'lease-lost': 'the worker lost its lease, so another worker may run this task',
        draining: 'the worker stops and its time to drain is over',
        cancelled: 'the task was cancelled',
      }[reason],
    );
  }
}
