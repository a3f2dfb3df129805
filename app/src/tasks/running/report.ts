import { Discard, Snooze } from '../errors';
import type { Ending } from '../finishing/finisher';
import { monotonicMs } from '../pause';
import type { TaskLogger } from '../types';
import type { Attempt } from './attempt';
import { describe } from './describe';
import type { AttemptOutcome, TaskEvents } from './events';
import { idsOf } from './ids-of';
import { isA } from './verdict';

/** Says in the log and to listeners how an attempt ended, once that is in the ledger. */
export class Reporter {
  constructor(private readonly parts: { readonly logger: TaskLogger; readonly events: TaskEvents }) {}

  report(attempt: Attempt, ending: Ending, error?: unknown): void {
    try {
      this.log(attempt, ending, error);
    } catch {
      // A logger may stumble over what was thrown; the attempt's end is written all the same.
      this.log(attempt, ending, new Error(describe(error)));
    }
    this.tell(attempt, ending, error);
  }

  private log(attempt: Attempt, ending: Ending, error: unknown): void {
    const { logger } = this.parts;
    const fields = { ...idsOf(attempt.task), durationMs: Math.round(monotonicMs() - attempt.beganMs) };
    if (ending === 'done') logger.debug(fields, 'task done');
    else if (ending === 'queued' && isA(error, Snooze)) logger.debug(fields, error.message);
    else if (ending === 'cancelled' && isA(error, Discard))
      logger.debug({ ...fields, err: error }, 'task is cancelled by its handler');
    else if (ending === 'cancelled') logger.info({ ...fields, err: error }, 'task is cancelled');
    else if (ending === 'parked') logger.error({ ...fields, err: error }, 'task is parked: a person must decide');
    else if (ending === 'queued') logger.warn({ ...fields, err: error }, 'attempt failed; it will be repeated');
    else if (ending === 'dead') logger.error({ ...fields, err: error }, 'task is dead');
    else logger.warn(fields, 'attempt ended too late: the task had gone to another worker');
  }

  private tell({ task, beganMs }: Attempt, ending: Ending, error: unknown): void {
    const { events } = this.parts;
    if (ending === 'fenced-off' || events.silent) return;
    const { uuid: taskId, name, queue, attempt, maxAttempts } = task;
    events.emit({
      ...{ taskId, name, queue, attempt, maxAttempts, error },
      outcome: outcomeOf(ending, error),
      durationMs: monotonicMs() - beganMs,
      trace: task.trace ?? undefined,
    });
  }
}

function outcomeOf(ending: Exclude<Ending, 'fenced-off'>, error: unknown): AttemptOutcome {
  if (ending !== 'queued') return ending;
  return isA(error, Snooze) ? 'snoozed' : 'retried';
}
