import type { z } from 'zod';
import { ENVIRONMENT } from '../contract';
import { invalid } from '../http/problem';
import { FAILURE_POLICIES, PRIORITIES } from '../tasks';
import type { AcceptOptions, PayloadInput } from '../tasks';
import { engineName, listOf, oneOf, storableText, strictObject, truth, uuid, wholeNumber } from '../validation/values';
import { MAX_FAIL_TIMES, MAX_RUN_MS, PROBE_FAILURES, PROBE_LEAVINGS, PROBE_OUTCOMES } from './probe.task';
import type { probe } from './probe.task';

export const MAX_PROBES = 10_000;
/** A day. */
const MAX_DELAY_SECONDS = 86_400;
/** How long after it is due a probe of the outcome `snooze` sleeps. */
export const SNOOZE_SECONDS = 2;

/** What `POST /api/probes` takes. */
export const probeBody = strictObject({
  count: wholeNumber({ min: 1, max: MAX_PROBES }).describe('How many'),
  queue: engineName().optional(),
  priority: oneOf(PRIORITIES).optional(),
  runMs: wholeNumber({ min: 0, max: MAX_RUN_MS }).default(0).describe('How long each attempt takes'),
  failTimes: wholeNumber({ min: 0, max: MAX_FAIL_TIMES })
    .default(0)
    .describe('Attempts that fail first; with the outcome `external` in the middle of the call'),
  failBy: oneOf(PROBE_FAILURES)
    .default('throw')
    .describe(
      'How these attempts fail: `throw` an error; `crash`: the worker process is killed; `hang`: never ends and ignores its time ' +
        'limit; `block`: the process does nothing else for `runMs`, and the attempt then goes on; `exhaust`: the process runs ' +
        'out of memory',
    ),
  delaySeconds: wholeNumber({ min: 0, max: MAX_DELAY_SECONDS })
    .optional()
    .describe('Not before so many seconds from now'),
  outcome: oneOf(PROBE_OUTCOMES)
    .default('done')
    .describe(
      '`discard`: cancelled by its handler; ' +
        `\`snooze\`: sleeps until ${SNOOZE_SECONDS} s after it was due, which costs no attempt, and is done; ` +
        '`non-retryable`: dead at its first attempt; `external`: done after a call under an intent and a receipt, which goes ' +
        `to ${ENVIRONMENT.probeReceiverUrl}, or to nobody without it`,
    ),
  leaves: oneOf(PROBE_LEAVINGS)
    .default('effect')
    .describe(
      'What is left of one that is done: a row in the database, a `result` that names its task and fence, or `nothing`',
    ),
  onUnknown: oneOf(['repeat', 'park'])
    .optional()
    .describe(
      'Of `external`, `repeat` when left out: what happens when a call failed in the middle (`failTimes`): it is repeated, or ' +
        'the task is parked until `/api/tasks/{id}/resolve`',
    ),
  uniqueKey: strictObject({
    key: storableText({ min: 1, max: 255 }).describe('Only one probe holds it at a time'),
    until: oneOf(['start', 'finish'])
      .default('start')
      .describe('Held until the task starts, or until it is done, dead or cancelled'),
    replace: truth()
      .default(false)
      .describe('A holder that has not started becomes what is accepted now, `delaySeconds` included'),
  })
    .optional()
    .describe('With count 1: while a task holds the key, the answer is that task, and nothing is accepted'),
  after: listOf(uuid(), { min: 1, max: 100, of: 'uuids' })
    .optional()
    .describe('Tasks that must have ended before any of these runs'),
  onFailure: oneOf(FAILURE_POLICIES)
    .default('cancel')
    .describe('What it means for these when one of `after` ends dead or cancelled'),
});
export type ProbeBody = z.output<typeof probeBody>;

/** @throws Problem 400 when fields do not go together. */
export function checkTogether({ count, outcome, onUnknown, uniqueKey, failTimes, failBy }: ProbeBody): void {
  const mistakes = [
    ...(uniqueKey !== undefined && count > 1
      ? [{ path: 'body.count', message: `is ${count}; under a uniqueKey allowed is 1` }]
      : []),
    ...(onUnknown !== undefined && outcome !== 'external'
      ? [{ path: 'body.onUnknown', message: `is given for the outcome ${outcome}; only external has it` }]
      : []),
    ...(failBy !== 'throw' && failTimes === 0
      ? [{ path: 'body.failBy', message: `is ${failBy} with failTimes 0; say how many attempts fail, 1 or more` }]
      : []),
  ];
  if (mistakes.length > 0) throw invalid(mistakes);
}

/** @param nowMs since 1970 */
export function probePayload(
  { runMs, failTimes, failBy, delaySeconds = 0, outcome, leaves, onUnknown }: ProbeBody,
  nowMs: number,
): PayloadInput<typeof probe> {
  const until = new Date(nowMs + (delaySeconds + SNOOZE_SECONDS) * 1_000).toISOString();
  return {
    runMs,
    failTimes,
    // Plain probes stay such that builds without outcomes run them.
    ...(outcome !== 'done' && { outcome }),
    ...(leaves !== 'effect' && { leaves }),
    ...(failBy !== 'throw' && { failBy }),
    ...(outcome === 'snooze' && { until }),
    ...(onUnknown !== undefined && { onUnknown }),
  };
}

/** @param nowMs since 1970 */
export function probeOptions(body: ProbeBody, nowMs: number, requestKey: string | undefined): AcceptOptions {
  const { queue, priority, delaySeconds, uniqueKey, after, onFailure } = body;
  return {
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority }),
    ...(delaySeconds !== undefined && { runAt: new Date(nowMs + delaySeconds * 1_000) }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    // Moments that are reckoned from now differ when the same request is repeated.
    ...(requestKey !== undefined && { requestKey, requestFingerprint: JSON.stringify(body) }),
    ...(after !== undefined && { after: after.map((id) => ({ id, onFailure })) }),
  };
}
