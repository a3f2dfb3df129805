import { z } from 'zod';
import { defineTask } from '../tasks';

export const MAX_RUN_MS = 60_000;
export const MAX_FAIL_TIMES = 100;

/** Does nothing for a while and then leaves one row in app.probe_effect: for load tests and drills. */
export const probe = defineTask({
  name: 'probes.run',
  queue: 'probes',
  attempts: 25,
  backoff: { firstSeconds: 0.2, maxSeconds: 5 },
  timeLimitSeconds: 90,
  payload: z.strictObject({
    /** How long an attempt takes, in milliseconds. */
    runMs: z.int().min(0).max(MAX_RUN_MS),
    /** How many attempts fail before one succeeds. */
    failTimes: z.int().min(0).max(MAX_FAIL_TIMES),
  }),
});
