import type { Contacts } from '../contacts/contacts';
import type { Queryable } from '../postgres/queryable';
import { inTime } from '../http/deadline';
import { Problem } from '../http/problem';
import { deleteByToken, getByToken, insertReminder, remindAt } from './reminder-store';
import type { ReminderClock } from './reminder-store';

export interface Reminder {
  readonly id: string;
  readonly screeningId: string;
  /** When the message goes out; in the past it does so within a minute or two. */
  readonly remindAt: Date;
  /** False when the address had it before. */
  readonly created: boolean;
}

export interface RemindersDependencies {
  readonly database: Queryable;
  readonly contacts: Contacts;
  readonly clock: ReminderClock;
}

/** Where readers ask to be reminded of screenings, and to be left alone. */
export class Reminders {
  constructor(private readonly dependencies: RemindersDependencies) {}

  /**
   * When a reminder of the screening goes out.
   * @throws Problem 404, or 409 once the screening has begun
   */
  async momentOf(screeningId: string): Promise<Date> {
    const { database, clock } = this.dependencies;
    const found = await inTime(remindAt(database, clock, screeningId));
    if (found === undefined) throw new Problem(404, 'There is no such screening; it may have been deleted.');
    if (found.begun) throw new Problem(409, 'The screening has begun; nobody is reminded of it any more.');
    return found.remindAt;
  }

  /**
   * Asks for a reminder; asking again, also by another contact of the same address, changes nothing.
   * @throws Problem 404, or 409 for a contact that is not verified, and once the screening has begun
   */
  async add(screeningId: string, contactId: string): Promise<Reminder> {
    const { database, contacts } = this.dependencies;
    const moment = await this.momentOf(screeningId);
    const contact = await contacts.get(contactId);
    if (!contact.verified) {
      throw new Problem(409, `The contact is not verified; send its code to /api/contacts/${contactId}/verify first.`);
    }
    const inserted = await inTime(insertReminder(database, screeningId, contact));
    if (inserted === undefined)
      throw new Problem(409, 'The reminder or its contact was deleted at this moment; ask again.');
    return { ...inserted, screeningId, remindAt: moment };
  }

  /** What the reminder with this token is about; undefined when there is none (any more). */
  find(token: string): Promise<{ readonly title: string; readonly startsAt: Date } | undefined> {
    return inTime(getByToken(this.dependencies.database, token));
  }

  /** Ends the reminder; one that there is not has ended already. */
  end(token: string): Promise<void> {
    return inTime(deleteByToken(this.dependencies.database, token));
  }
}
