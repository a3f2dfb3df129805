import { traceIdOf } from '../accepting/trace';
import type { ClaimedTask } from '../claiming/claimer';

/** What every log line about an attempt carries. */
export interface AttemptIds {
  readonly task: string;
  readonly name: string;
  readonly attempt: number;
  /** Of the trace in which the task was accepted. */
  readonly traceId?: string;
}

export function idsOf(task: ClaimedTask): AttemptIds {
  const ids = { task: task.uuid, name: task.name, attempt: task.attempt };
  const traceId = traceIdOf(task.trace);
  return traceId === undefined ? ids : { ...ids, traceId };
}
