import { z } from 'zod';
import { defineSchedule, defineTask } from '../tasks';

/** Older than any upload whose acceptance may still be under way; a day more costs nothing but room. */
const AGE_HOURS = 24;

/**
 * Deletes uploaded files that no import will ever read. A file is stored before its import is accepted; when the process
 * dies in between, or nobody learns whether the acceptance happened and it had not, the file stays behind.
 */
export const sweepUploads = defineTask({
  name: 'imports.sweep-uploads',
  priority: 'bulk',
  timeLimitSeconds: 900,
  payload: z.strictObject({ storedBefore: z.iso.datetime() }),
});

/** Once a day; a missed one is made up by the next, which finds the same files. */
export const sweepUploadsDaily = defineSchedule({
  name: 'imports.sweep-uploads',
  task: sweepUploads,
  payload: (tick) => ({ storedBefore: new Date(tick.getTime() - AGE_HOURS * 3_600_000).toISOString() }),
  catchUp: 'latest',
  cron: '17 3 * * *',
});
