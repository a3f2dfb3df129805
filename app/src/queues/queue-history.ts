import type { Queryable } from '../postgres/queryable';
import type { QueueStatus, Tasks } from '../tasks';
import { PRUNE_SAMPLES, RECENT_SAMPLES, RECORD_SAMPLE } from './queue-history.sql';

/** Between two samples. */
export const SAMPLE_SECONDS = 30;
const KEPT_SECONDS = 24 * 3600;
const MOST_TASKS = 2_147_483_647;

export interface QueueSample {
  readonly at: Date;
  /** Tasks that were due and not started. */
  readonly backlog: number;
  /** How long the oldest of them had waited. */
  readonly oldestAgeSeconds: number;
}

/** Writes down how full the queues are now, and forgets what is older than a day. */
export async function recordQueues(tasks: Pick<Tasks, 'transaction'>, queues: readonly QueueStatus[]): Promise<void> {
  await tasks.transaction(async (tx) => {
    await tx.query(RECORD_SAMPLE, [
      SAMPLE_SECONDS,
      queues.map(({ name }) => name),
      queues.map(({ backlog }) => Math.min(backlog, MOST_TASKS)),
      queues.map(({ oldestAgeSeconds }) => oldestAgeSeconds),
    ]);
    await tx.query(PRUNE_SAMPLES, [KEPT_SECONDS]);
  });
}

/** The samples of the last so many seconds, by queue, oldest first. */
export async function recentSamples(
  database: Queryable,
  seconds: number,
): Promise<ReadonlyMap<string, readonly QueueSample[]>> {
  const { rows } = await database.query<QueueSample & { readonly queue: string }>(RECENT_SAMPLES, [seconds]);
  const samples = new Map<string, QueueSample[]>();
  for (const { queue, ...sample } of rows) {
    const known = samples.get(queue);
    if (known === undefined) samples.set(queue, [sample]);
    else known.push(sample);
  }
  return samples;
}
