import type { Message, Messenger } from '../contacts/messenger';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import { Discard, handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { getReminderToSend, giveUpDay } from './reminder-store';
import type { ReminderToSend } from './reminder-store';
import { sendReminder } from './reminders.task';

export interface SendReminderDependencies {
  readonly messenger: Messenger;
  readonly library: Library;
}

/**
 * Reminds once: neither SES nor SNS nor SMTP knows idempotency keys, and a reminder that comes twice annoys, so a call
 * whose outcome is unknown parks the task for a person to decide. A reminder that is gone, whose screening has moved to
 * another day or has begun, is not sent; the day is given up, so that it is due again should the screening return to it, or
 * be postponed to later on that day.
 */
export function sendReminderHandler({ messenger, library }: SendReminderDependencies): TaskHandler {
  const time = new LibraryTime(library.timeZone);
  return handle(sendReminder, async ({ payload: { reminderId, day }, external, transaction }) => {
    const found = await transaction(async (tx) => {
      const reminder = await getReminderToSend(tx, library.timeZone, reminderId);
      if (reminder !== undefined && (reminder.day !== day || reminder.begun))
        await giveUpDay(tx, { id: reminderId, day });
      return reminder;
    });
    if (found === undefined) throw new Discard('the reminder or its screening was deleted');
    if (found.day !== day) throw new Discard(`the screening has moved to ${found.day}`);
    if (found.begun) throw new Discard('the screening has begun');
    await external('message', { onUnknown: 'park' }, ({ idempotencyKey, signal }) =>
      messenger.send({ ...messageOf(found, library, time), key: idempotencyKey }, { signal }),
    );
  });
}

function messageOf(reminder: ReminderToSend, library: Library, time: LibraryTime): Omit<Message, 'key'> {
  const { channel, address, title, room, startsAt, token, screeningId } = reminder;
  const end = `${library.publicUrl}/reminders/${token}`;
  const when = `${time.date(startsAt)}, ${time.time(startsAt)}`;
  if (channel === 'sms') {
    // Short, and with plain quotes: a message of more than 160 characters is charged as several, and one with a character
    // outside GSM 7 bit (3GPP TS 23.038), such as a curly quote, holds 70 only.
    return {
      channel,
      address,
      subject: '',
      text: `${library.name}: "${title}", ${when}, ${room}. No reminder: ${end}`,
    };
  }
  const text = [
    `“${title}” is shown on ${when}, in: ${room}.`,
    `${library.publicUrl}/screenings/${screeningId}`,
    `If you do not want to be reminded of it any more:\n${end}`,
    library.name,
  ].join('\n\n');
  return { channel, address, subject: `“${title}”, ${when}`, text, unsubscribeUrl: end };
}
