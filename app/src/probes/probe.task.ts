import { z } from 'zod';
import { defineTask } from '../tasks';

export const MAX_RUN_MS = 60_000;
export const MAX_FAIL_TIMES = 100;

/** How a probe ends once its failing attempts are over. */
export const PROBE_OUTCOMES = ['done', 'discard', 'snooze', 'non-retryable', 'external'] as const;
export type ProbeOutcome = (typeof PROBE_OUTCOMES)[number];

/** How a failing attempt of a probe fails; all but the first take the whole worker process along. */
export const PROBE_FAILURES = ['throw', 'crash', 'hang', 'block', 'exhaust'] as const;

/** What a probe that is done leaves behind: a row in app.probe_effect, a result in the ledger, or nothing. */
export const PROBE_LEAVINGS = ['effect', 'result', 'nothing'] as const;

/**
 * Does nothing for a while and then leaves one row in app.probe_effect, or ends in another way that it is asked for: for load
 * tests and drills.
 */
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
    /** How these fail; by an error when left out. */
    failBy: z.enum(PROBE_FAILURES).optional(),
    /** Done when left out. */
    outcome: z.enum(PROBE_OUTCOMES).optional(),
    /** Of the outcome `snooze`: the moment until which it sleeps. */
    until: z.iso.datetime().optional(),
    /** An effect when left out. */
    leaves: z.enum(PROBE_LEAVINGS).optional(),
    /** Of the outcome `external`: what happens when a call began and its outcome is unknown. */
    onUnknown: z.enum(['repeat', 'park']).optional(),
  }),
});
