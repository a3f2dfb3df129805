import { randomInt, scrypt, timingSafeEqual } from 'node:crypto';

export const CODE_MINUTES = 15;
export const MOST_TRIES = 5;

const HASH_BYTES = 32;
/** 16 MiB and some 50 ms a code: a million codes take longer to try than one of them is valid. */
const COST = { N: 16_384, r: 8, p: 1 };

/** Six digits. */
export function newCode(): string {
  return String(randomInt(1_000_000)).padStart(6, '0');
}

/** @param contactId the salt: the same code of two contacts has two hashes */
export function hashCode(contactId: string, code: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(code, contactId, HASH_BYTES, COST, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}

/** Whether one of the hashes is this one; takes as long whichever it is. */
export function isOneOf(hash: Buffer, hashes: readonly Buffer[]): boolean {
  return hashes.filter((one) => timingSafeEqual(one, hash)).length > 0;
}
