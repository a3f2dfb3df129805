import { priorityName } from '../lanes';
import type { AttemptRecord, TaskRecord, TaskState } from '../types';

/** A row of holdfast.task as `pg` reads it. */
export interface TaskRow {
  id: string;
  uuid: string;
  name: string;
  queue: string;
  priority: number;
  state: TaskState;
  payload: unknown;
  /** Infinity while it is out of its lane. */
  run_at: Date | number;
  /** Then the time that it gets back. */
  resume_at: Date | null;
  accepted_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  fence: number;
  attempts: number;
  max_attempts: number;
  worker_id: string | null;
  progress: unknown;
  error: string | null;
  result: unknown;
  unique_key: string | null;
}

export interface AttemptRow {
  fence: number;
  attempt: number;
  worker_id: string | null;
  started_at: Date;
  finished_at: Date;
  error: string;
}

export function toRecord(row: TaskRow): TaskRecord {
  return {
    id: row.uuid,
    name: row.name,
    queue: row.queue,
    priority: priorityName(row.priority),
    state: row.state,
    attempt: row.attempts,
    maxAttempts: row.max_attempts,
    runAt: row.resume_at ?? (typeof row.run_at === 'number' ? row.accepted_at : row.run_at),
    progress: row.progress,
    acceptedAt: row.accepted_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    result: row.result,
    payload: row.payload,
    uniqueKey: row.unique_key,
  };
}

/** The attempts that did not succeed are kept; the one that runs or succeeded is derived from the task's own row. */
export function toAttempts(row: TaskRow, kept: readonly AttemptRow[]): AttemptRecord[] {
  const attempts = kept.map((attempt): AttemptRecord => ({
    attempt: attempt.attempt,
    worker: attempt.worker_id,
    startedAt: attempt.started_at,
    finishedAt: attempt.finished_at,
    error: attempt.error,
  }));
  if ((row.state === 'running' || row.state === 'done') && row.started_at !== null) {
    attempts.push({
      attempt: row.attempts,
      worker: row.worker_id,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
      error: null,
    });
  }
  return attempts;
}
