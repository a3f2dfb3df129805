import type { Channel } from '../configuration/channels';
import type { Contact } from '../contacts/contact-store';
import type { Queryable } from '../postgres/queryable';
import {
  DELETE_BY_TOKEN,
  FIND_REMINDER,
  FORGET_REMINDERS,
  GET_BY_TOKEN,
  GET_TO_SEND,
  GIVE_UP_DAY,
  INSERT_REMINDER,
  REMIND_AT_OF_SCREENING,
  TAKE_DUE,
} from './reminders.sql';

/** When reminders go out. */
export interface ReminderClock {
  /** IANA zone of the library. */
  readonly timeZone: string;
  /** HH:MM in that zone. */
  readonly reminderTime: string;
}

export interface DueReminder {
  readonly id: string;
  /** The screening's, in the library's zone: `2026-11-27`. */
  readonly day: string;
}

export interface ReminderToSend {
  readonly token: string;
  readonly channel: Channel;
  readonly address: string;
  readonly screeningId: string;
  readonly title: string;
  readonly room: string;
  readonly startsAt: Date;
  readonly day: string;
  /** The screening has begun. */
  readonly begun: boolean;
}

const FORGOTTEN_AT_ONCE = 500;

export async function remindAt(
  database: Queryable,
  { timeZone, reminderTime }: ReminderClock,
  screeningId: string,
): Promise<{ readonly remindAt: Date; readonly begun: boolean } | undefined> {
  const found = await database.query<{ remindAt: Date; begun: boolean }>(REMIND_AT_OF_SCREENING, [
    timeZone,
    reminderTime,
    screeningId,
  ]);
  return found.rows[0];
}

/** @returns its id, and whether it is new; undefined when it, or the contact, was deleted at this moment. */
export async function insertReminder(
  database: Queryable,
  screeningId: string,
  { id: contactId, address }: Contact,
): Promise<{ readonly id: string; readonly created: boolean } | undefined> {
  const inserted = await database.query<{ id: string }>(INSERT_REMINDER, [screeningId, contactId, address]);
  const [created] = inserted.rows;
  if (created !== undefined) return { id: created.id, created: true };
  const [found] = (await database.query<{ id: string }>(FIND_REMINDER, [screeningId, address])).rows;
  return found === undefined ? undefined : { id: found.id, created: false };
}

/**
 * Takes reminders that are due at the moment `at`: each once for a day of its screening, whoever asks how often.
 * @param most of them
 */
export async function takeDue(
  tx: Queryable,
  { timeZone, reminderTime }: ReminderClock,
  at: Date,
  most: number,
): Promise<readonly DueReminder[]> {
  return (await tx.query<DueReminder>(TAKE_DUE, [timeZone, reminderTime, at, most])).rows;
}

export async function getReminderToSend(
  tx: Queryable,
  timeZone: string,
  id: string,
): Promise<ReminderToSend | undefined> {
  return (await tx.query<ReminderToSend>(GET_TO_SEND, [timeZone, id])).rows[0];
}

export async function giveUpDay(tx: Queryable, { id, day }: DueReminder): Promise<void> {
  await tx.query(GIVE_UP_DAY, [id, day]);
}

export async function getByToken(
  database: Queryable,
  token: string,
): Promise<{ readonly title: string; readonly startsAt: Date } | undefined> {
  return (await database.query<{ title: string; startsAt: Date }>(GET_BY_TOKEN, [token])).rows[0];
}

export async function deleteByToken(database: Queryable, token: string): Promise<void> {
  await database.query(DELETE_BY_TOKEN, [token]);
}

/** Deletes reminders a week after their screening; some at a time. */
export async function forgetReminders(tx: Queryable): Promise<void> {
  await tx.query(FORGET_REMINDERS, [FORGOTTEN_AT_ONCE]);
}
