import { z } from 'zod';
import { defineSchedule, defineTask } from '../tasks';
import type { Tasks } from '../tasks';

/** Its tasks run one after the other, so that a provider of mail or text messages sees no burst. */
export const REMINDERS_QUEUE = 'reminders';

/** The limit of the queue, over all workers; set at each start, so a change of an administrator lasts until then. */
export function limitReminders(tasks: Pick<Tasks, 'limitQueue'>): Promise<void> {
  return tasks.limitQueue(REMINDERS_QUEUE, { maxRunning: 1 });
}

/** Finds the reminders that are due and accepts a task for each. */
export const acceptReminders = defineTask({
  name: 'reminders.accept-due',
  // The next tick finds what this one has left.
  attempts: 2,
  result: z.object({ accepted: z.int() }),
  payload: z.strictObject({ at: z.iso.datetime() }),
});

/**
 * Each minute, so that whoever signs up on the very day is reminded as well, and a tick that nobody accepted is made up
 * for by the next.
 */
export const remindEveryMinute = defineSchedule({
  name: 'reminders.accept-due',
  task: acceptReminders,
  payload: (tick) => ({ at: tick.toISOString() }),
  catchUp: 'latest',
  every: 60,
});

/** Reminds one person of one screening. The payload names the reminder only: administrators need not see addresses. */
export const sendReminder = defineTask({
  name: 'reminders.send',
  queue: REMINDERS_QUEUE,
  // Two hours and a half of a mail server that is away; once the screening has begun the handler ends it.
  attempts: 20,
  backoff: { firstSeconds: 5, maxSeconds: 600 },
  timeLimitSeconds: 40,
  payload: z.strictObject({
    reminderId: z.uuid(),
    day: z.iso.date().describe('Of the screening, in the library’s zone'),
  }),
});
