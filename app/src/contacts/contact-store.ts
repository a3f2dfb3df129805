import type { Channel } from '../configuration/channels';
import type { Queryable } from '../postgres/queryable';
import { CODE_MINUTES, MOST_TRIES } from './code';
import {
  ADD_CODE,
  COUNT_TRY,
  FORGET_CONTACTS,
  GET_CONTACT,
  INSERT_CONTACT,
  LIST_CODES,
  LOCK_ADDRESS,
  LOCK_UNNEEDED,
  SECONDS_TO_NEXT_CODE,
  VERIFY,
  WANTS_CODE,
} from './contacts.sql';

export interface Contact {
  readonly id: string;
  readonly channel: Channel;
  /** Normalised: of mail, or E.164. */
  readonly address: string;
  readonly verified: boolean;
}

export interface StoredCode {
  readonly hash: Buffer;
  readonly valid: boolean;
}

/** An address is sent no more than these in an hour, whoever asks, so that nobody's telephone is flooded. */
export const CODES_AN_HOUR = 3;

const FORGOTTEN_AT_ONCE = 500;

/**
 * Waits for others who ask for the same address at this moment.
 * @returns seconds until the address may be sent a code, 0 when it may be now.
 */
export async function secondsToNextCode(tx: Queryable, address: string): Promise<number> {
  await tx.query(LOCK_ADDRESS, [address]);
  const found = await tx.query<{ seconds: number }>(SECONDS_TO_NEXT_CODE, [address, CODES_AN_HOUR]);
  return Math.max(0, found.rows[0]?.seconds ?? 0);
}

export async function insertContact(tx: Queryable, { id, channel, address }: Omit<Contact, 'verified'>): Promise<void> {
  await tx.query(INSERT_CONTACT, [id, channel, address]);
}

export async function getContact(database: Queryable, id: string): Promise<Contact | undefined> {
  return (await database.query<Contact>(GET_CONTACT, [id])).rows[0];
}

/** The contact, unless it is verified, gone, or asked for its code so long ago that nobody waits for it. */
export async function contactThatWaits(tx: Queryable, id: string): Promise<Contact | undefined> {
  return (await tx.query<Contact>(WANTS_CODE, [id, CODE_MINUTES])).rows[0];
}

export async function addCode(tx: Queryable, contactId: string, hash: Buffer): Promise<void> {
  await tx.query(ADD_CODE, [contactId, hash, CODE_MINUTES]);
}

/** @returns which try it is, from 1; undefined when it is one too many, or the contact is verified. */
export async function countTry(database: Queryable, contactId: string): Promise<number | undefined> {
  return (await database.query<{ tries: number }>(COUNT_TRY, [contactId, MOST_TRIES])).rows[0]?.tries;
}

export async function listCodes(database: Queryable, contactId: string): Promise<readonly StoredCode[]> {
  return (await database.query<StoredCode>(LIST_CODES, [contactId])).rows;
}

export async function verifyContact(database: Queryable, contactId: string): Promise<void> {
  await database.query(VERIFY, [contactId]);
}

/** In a transaction: deletes addresses a day after they were given, unless a reminder needs them; some at a time. */
export async function forgetContacts(tx: Queryable): Promise<void> {
  const unneeded = await tx.query<{ id: string }>(LOCK_UNNEEDED, [FORGOTTEN_AT_ONCE]);
  await tx.query(FORGET_CONTACTS, [unneeded.rows.map(({ id }) => id)]);
}
