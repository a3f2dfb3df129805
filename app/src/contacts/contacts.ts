import { randomUUID } from 'node:crypto';
import type { Channel } from '../configuration/channels';
import { ENVIRONMENT } from '../contract';
import type { Queryable } from '../postgres/queryable';
import { acceptInTime } from '../http/accept-in-time';
import { inTime } from '../http/deadline';
import { invalid, Problem } from '../http/problem';
import type { Tasks } from '../tasks';
import { show } from '../validation/values';
import { ADDRESS_RULES, normalAddress } from './address';
import { hashCode, isOneOf, MOST_TRIES } from './code';
import {
  CODES_AN_HOUR,
  countTry,
  getContact,
  insertContact,
  listCodes,
  secondsToNextCode,
  verifyContact,
} from './contact-store';
import type { Contact } from './contact-store';
import { sendCode } from './send-code.task';

export interface ContactsDependencies {
  readonly tasks: Pick<Tasks, 'transaction' | 'get' | 'accept'>;
  readonly database: Queryable;
  /** How readers may be written to. */
  readonly contactChannels: readonly Channel[];
}

/** Where addresses are given and proved. */
export class Contacts {
  constructor(private readonly dependencies: ContactsDependencies) {}

  get channels(): readonly Channel[] {
    return this.dependencies.contactChannels;
  }

  /**
   * Keeps the address and accepts the task that sends it a code.
   * @throws Problem 400 for an address that is none, 404 for a channel that is not offered, 429 after three codes in an hour
   */
  async add(channel: Channel, text: string): Promise<{ readonly id: string; readonly taskId: string }> {
    if (!this.channels.includes(channel)) {
      throw new Problem(
        404,
        `Messages by ${channel} are switched off; ${ENVIRONMENT.contactChannels} switches them on.`,
      );
    }
    const address = normalAddress(channel, text);
    if (address === undefined) {
      throw invalid([{ path: 'body.address', message: `is ${show(text)}; allowed is ${ADDRESS_RULES[channel]}` }]);
    }
    const { tasks } = this.dependencies;
    const id = randomUUID();
    return await acceptInTime(tasks, async (tx) => {
      const seconds = await secondsToNextCode(tx, address);
      if (seconds > 0) throw tooManyCodes(seconds);
      await insertContact(tx, { id, channel, address });
      const { id: taskId } = await tasks.accept(tx, sendCode, { contactId: id });
      return { taskId, answer: { id, taskId } };
    });
  }

  /** @throws Problem 404 */
  async get(id: string): Promise<Contact> {
    return (await inTime(getContact(this.dependencies.database, id))) ?? unknownContact();
  }

  /**
   * Proves the address by the code that was sent to it. The try is counted, and committed, before the code is looked at,
   * so that no number of calls at once gets more tries than five. Proving it again changes nothing.
   * @throws Problem 404, or 400 for a code that is wrong, old or was tried too often
   */
  async verify(id: string, code: string): Promise<Contact> {
    const { database } = this.dependencies;
    const contact = await this.get(id);
    if (contact.verified) return contact;
    const tries = await inTime(countTry(database, id));
    const refusal = tries === undefined ? usedUp() : await this.refusalOf(id, code, tries);
    if (refusal === undefined) return { ...contact, verified: true };
    // Whoever clicks twice sends the right code twice.
    const meanwhile = await this.get(id);
    if (meanwhile.verified) return meanwhile;
    throw refusal;
  }

  /** Proves the address where the code is right. @returns undefined then. */
  private async refusalOf(id: string, code: string, tries: number): Promise<Problem | undefined> {
    const { database } = this.dependencies;
    const hash = await hashCode(id, code);
    const codes = await inTime(listCodes(database, id));
    const valid = codes.filter(({ valid }) => valid);
    if (
      isOneOf(
        hash,
        valid.map((one) => one.hash),
      )
    ) {
      await inTime(verifyContact(database, id));
      return undefined;
    }
    return codes.length > 0 && valid.length === 0 ? expired() : wrong(tries);
  }
}

function codeProblem(message: string): Problem {
  return invalid([{ path: 'body.code', message }]);
}

function wrong(tries: number): Problem {
  const left = MOST_TRIES - tries;
  if (left === 0) return codeProblem('is wrong, and that was the last try; ask for a new code');
  return codeProblem(`is wrong; ${left === 1 ? 'one more try is' : `${left} more tries are`} allowed`);
}

function expired(): Problem {
  return codeProblem('has expired; ask for a new code');
}

function usedUp(): Problem {
  return codeProblem(`was tried ${MOST_TRIES} times, the most allowed; ask for a new code`);
}

function unknownContact(): never {
  throw new Problem(404, 'There is no such contact; addresses that nothing needs are forgotten after a day.');
}

function tooManyCodes(seconds: number): Problem {
  const minutes = Math.ceil(seconds / 60);
  return new Problem(
    429,
    `This address was sent ${CODES_AN_HOUR} codes within an hour, the most allowed; try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}.`,
    { headers: { 'retry-after': String(seconds) } },
  );
}
