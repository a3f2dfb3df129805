import { setTimeout as sleep } from 'node:timers/promises';
import { isConflict, isDatabaseUnavailable } from '../postgres/unavailable';
import { CommitUnknownError } from '../tasks';
import type { Tasks, Transaction } from '../tasks';
import { DeadlineError, inTime } from './deadline';
import { Problem, RETRY_AFTER_SECONDS, unavailable } from './problem';

/** Together below the 5 s that a request may take: accepting, and asking what became of it. */
const ACCEPT_SECONDS = 4;
const ASK_SECONDS = 1;
/** Of a transaction that was in the way of others, and so undone; each time after a random wait. */
const TRIES = 5;
const LONGEST_WAIT_MS = 50;

/** The database did not confirm, and could not be asked either: what the request wanted may have happened. */
export class UnknownOutcome extends Problem {
  constructor(howToFindOut: string, cause: unknown) {
    super(503, `The database did not confirm in time, so it is not known whether this took effect. ${howToFindOut}`, {
      headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
      cause,
    });
  }
}

export interface Acceptance<Answer> {
  /** One of the tasks that were accepted; it exists exactly when all of them do. */
  readonly taskId: string;
  readonly answer: Answer;
}

/**
 * Accepts tasks in one transaction, for a request that must be answered within seconds. When PostgreSQL undoes it because
 * others were in its way, it is made again: `accept` changes nothing but the database. When the answer to COMMIT is lost it
 * looks whether the task exists.
 * @returns the answer, only when the tasks are accepted.
 * @throws UnknownOutcome when nobody knows; any other error means that nothing was accepted.
 */
export async function acceptInTime<Answer>(
  tasks: Pick<Tasks, 'transaction' | 'get'>,
  accept: (tx: Transaction) => Promise<Acceptance<Answer>>,
): Promise<Answer> {
  const state: { acceptance: Acceptance<Answer> | undefined; late: boolean } = { acceptance: undefined, late: false };
  const once = (): Promise<Answer> => {
    state.acceptance = undefined;
    return tasks.transaction(async (tx) => {
      const acceptance = await accept(tx);
      // The caller has been told that nothing was accepted, so nothing must be: this rolls back.
      if (state.late) throw new DeadlineError(ACCEPT_SECONDS);
      state.acceptance = acceptance;
      return acceptance.answer;
    });
  };
  try {
    return await inTime(withoutConflict(once), ACCEPT_SECONDS);
  } catch (error) {
    state.late = true;
    if (!(error instanceof CommitUnknownError || error instanceof DeadlineError)) throw error;
    if (state.acceptance === undefined) {
      throw unavailable('The database did not answer in time; nothing was accepted. Try again.', error);
    }
    return await answerIfAccepted(tasks, state.acceptance, error);
  }
}

async function withoutConflict<T>(once: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await once();
    } catch (error) {
      if (tried === TRIES || !isConflict(error)) throw error;
      await sleep(Math.random() * LONGEST_WAIT_MS);
    }
  }
}

async function answerIfAccepted<Answer>(
  tasks: Pick<Tasks, 'get'>,
  { taskId, answer }: Acceptance<Answer>,
  cause: unknown,
): Promise<Answer> {
  const task = await inTime(tasks.get(taskId), ASK_SECONDS).catch(() => undefined);
  if (task === undefined)
    throw new UnknownOutcome(`/api/tasks/${taskId} tells as soon as the database answers.`, cause);
  return answer;
}

/**
 * For a single statement that changes something: while the database is away, nobody knows whether it did.
 * @throws UnknownOutcome in place of errors of the connection.
 */
export async function changeInTime<T>(work: Promise<T>, howToFindOut: string): Promise<T> {
  try {
    return await inTime(work);
  } catch (error) {
    const isUnknown = error instanceof DeadlineError || isDatabaseUnavailable(error);
    throw isUnknown ? new UnknownOutcome(howToFindOut, error) : error;
  }
}
