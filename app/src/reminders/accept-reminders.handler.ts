import { forgetContacts } from '../contacts/contact-store';
import { handle } from '../tasks';
import type { TaskHandler, Tasks } from '../tasks';
import { forgetReminders, takeDue } from './reminder-store';
import type { ReminderClock } from './reminder-store';
import { acceptReminders, sendReminder } from './reminders.task';

/** Reminders of one transaction. */
const BATCH = 500;

export interface AcceptRemindersDependencies {
  readonly tasks: Pick<Tasks, 'acceptMany'>;
  readonly clock: ReminderClock;
}

/**
 * Accepts one task for each reminder that is due at the tick, in batches. A reminder is marked with the day of its
 * screening in the transaction that accepts its task: two ticks, or an attempt that runs again, find nothing more to
 * accept, also after the task has ended. (A unique key would be free again then.) Also forgets what nothing needs.
 */
export function acceptRemindersHandler({ tasks, clock }: AcceptRemindersDependencies): TaskHandler {
  return handle(acceptReminders, async ({ payload, transaction, effects, signal, log }) => {
    const at = new Date(payload.at);
    let accepted = 0;
    for (let taken = BATCH; taken === BATCH; accepted += taken) {
      signal.throwIfAborted();
      taken = await transaction(async (tx) => {
        const due = await takeDue(tx, clock, at, BATCH);
        const payloads = due.map(({ id, day }) => ({ reminderId: id, day }));
        if (payloads.length > 0) await tasks.acceptMany(tx, sendReminder, payloads);
        return due.length;
      });
    }
    effects(async (tx) => {
      await forgetReminders(tx);
      await forgetContacts(tx);
    });
    if (accepted > 0) log.info({ accepted }, 'reminders accepted');
    return { accepted };
  });
}
