import { z } from 'zod';
import { defineSchedule, defineTask } from '../tasks';

/** Older than any upload whose acceptance may still be under way; a day more costs nothing but room. */
const AGE_HOURS = 24;

/**
 * Deletes objects under posters/ that belong to no poster: files whose acceptance failed, and pictures that a worker
 * stored after it had lost its task.
 */
export const sweepPosters = defineTask({
  name: 'posters.sweep',
  priority: 'bulk',
  timeLimitSeconds: 900,
  payload: z.strictObject({ storedBefore: z.iso.datetime() }),
});

/** Once a day; a missed one is made up by the next, which finds the same objects. */
export const sweepPostersDaily = defineSchedule({
  name: 'posters.sweep',
  task: sweepPosters,
  payload: (tick) => ({ storedBefore: new Date(tick.getTime() - AGE_HOURS * 3_600_000).toISOString() }),
  catchUp: 'latest',
  cron: '37 3 * * *',
});
