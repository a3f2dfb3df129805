import { z } from 'zod';
import { FAILURE_POLICIES, PRIORITIES, TASK_STATES } from '../tasks';
import type { TaskDetails, TaskRecord, TaskRecordWithAttempts } from '../tasks';

const moment = z.iso.datetime();
const UUIDS = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi;

/** A task as the outside sees it: everything but its payload, which may hold what is nobody's business. */
export const taskSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    queue: z.string(),
    priority: z.enum(PRIORITIES),
    state: z.enum(TASK_STATES),
    attempt: z.int(),
    maxAttempts: z.int(),
    runAt: moment,
    progress: z.unknown(),
    acceptedAt: moment,
    startedAt: moment.nullable(),
    finishedAt: moment.nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'Task' });

export const taskWithAttemptsSchema = taskSchema
  .extend({
    result: z.unknown().describe('What its handler returned; null when that was nothing or the task is not done'),
    attempts: z.array(
      z.object({
        attempt: z.int(),
        worker: z.string().nullable(),
        startedAt: moment,
        finishedAt: moment.nullable(),
        error: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'TaskWithAttempts' });

const neighbours = z.array(
  z.object({
    id: z.uuid().optional().describe('For administrators only'),
    name: z.string(),
    state: z.enum(TASK_STATES),
    onFailure: z
      .enum(FAILURE_POLICIES)
      .describe('What it means for the one that waits when the other ends dead or cancelled'),
  }),
);

export const taskDetailsSchema = taskWithAttemptsSchema
  .extend({
    after: neighbours.describe('What it waits or waited for, at most 100'),
    before: neighbours.describe('What waits or waited for it, at most 100'),
    effects: z
      .array(
        z.object({
          key: z.string(),
          onUnknown: z
            .enum(['repeat', 'park'])
            .describe('What follows when nobody knows whether it happened: another call, or a decision by a person'),
          intentAt: moment.describe('When it was begun for the first time'),
          receiptAt: moment.nullable().describe('When it was known to have happened; null while it is not'),
          resolved: z.boolean().describe('A person said that it had happened'),
        }),
      )
      .describe('What it did outside the database, or was about to'),
  })
  .meta({ id: 'TaskDetails' });

export type TaskView = z.output<typeof taskSchema>;
export type TaskWithAttemptsView = z.output<typeof taskWithAttemptsSchema>;

export type TaskDetailsView = z.output<typeof taskDetailsSchema>;

/** A task with all that administrators may see. */
export function viewTaskDetails(task: TaskDetails): TaskDetailsView {
  return {
    ...viewTaskWithAttempts(task),
    after: [...task.after],
    before: [...task.before],
    // Without the receipts: what a receiver answered may be for nobody's eyes, and anyone who knows the id may ask.
    effects: task.effects.map(({ key, onUnknown, intentAt, receiptAt, resolved }) => ({
      ...{ key, onUnknown, resolved },
      intentAt: intentAt.toISOString(),
      receiptAt: receiptAt?.toISOString() ?? null,
    })),
  };
}

/**
 * What anybody may see who knows the task's id. The id is the permission: at least 42 of its bits are random (RFC 9562, uuid
 * version 7), so nobody guesses one, and therefore no id of another task is handed out.
 */
export function publicTaskDetails(task: TaskDetailsView): TaskDetailsView {
  const withoutId = ({ name, state, onFailure }: TaskDetailsView['after'][number]) => ({ name, state, onFailure });
  return { ...publicTask(task), after: task.after.map(withoutId), before: task.before.map(withoutId) };
}

interface WithErrors {
  readonly id: string;
  readonly error: string | null;
  readonly attempts: readonly { readonly error: string | null }[];
}

/** As publicTaskDetails. Why a task was cancelled names the task that was the cause. */
export function publicTask<View extends WithErrors>(task: View): View {
  const withoutIds = (error: string | null): string | null =>
    error?.replaceAll(UUIDS, (found) => (found.toLowerCase() === task.id ? found : '(another)')) ?? null;
  return {
    ...task,
    error: withoutIds(task.error),
    attempts: task.attempts.map((attempt) => ({ ...attempt, error: withoutIds(attempt.error) })),
  };
}

export function viewTask(task: TaskRecord): TaskView {
  return {
    id: task.id,
    name: task.name,
    queue: task.queue,
    priority: task.priority,
    state: task.state,
    attempt: task.attempt,
    maxAttempts: task.maxAttempts,
    runAt: task.runAt.toISOString(),
    progress: task.progress ?? null,
    acceptedAt: task.acceptedAt.toISOString(),
    startedAt: task.startedAt?.toISOString() ?? null,
    finishedAt: task.finishedAt?.toISOString() ?? null,
    error: task.error,
  };
}

export function viewTaskWithAttempts(task: TaskRecordWithAttempts): TaskWithAttemptsView {
  return {
    ...viewTask(task),
    result: task.result ?? null,
    attempts: task.attempts.map(({ attempt, worker, startedAt, finishedAt, error }) => ({
      attempt,
      worker,
      startedAt: startedAt.toISOString(),
      finishedAt: finishedAt?.toISOString() ?? null,
      error,
    })),
  };
}
