import { ENVIRONMENT } from '../contract';
import type { Variable } from './variables';

/** Addresses whose password may come in a variable of its own, as a secret store hands it out. */
const PASSWORDS = [
  ['databaseUrl', 'databasePassword'],
  ['queueRedisUrl', 'queueRedisPassword'],
  ['cacheRedisUrl', 'cacheRedisPassword'],
] as const satisfies readonly (readonly [Variable, Variable])[];

/** The variables that `mergePasswords` takes away. */
export type PasswordVariable = (typeof PASSWORDS)[number][1];

/**
 * Puts each password into its address, where every client finds it, and takes the variable of its own away.
 * @returns what is wrong, without any password: one that differs from the address's, one without an address.
 */
export function mergePasswords(values: Map<Variable, unknown>): string[] {
  return PASSWORDS.flatMap(([address, password]) => {
    const [text, secret] = [values.get(address), values.get(password)];
    values.delete(password);
    if (typeof secret !== 'string') return [];
    if (typeof text !== 'string') {
      // An address that was refused has its own sentence already.
      return values.has(address)
        ? [`${ENVIRONMENT[password]} is set without ${ENVIRONMENT[address]}; set both, or neither.`]
        : [];
    }
    const url = new URL(text);
    if (url.password !== '' && decoded(url.password) !== secret) {
      return [
        `${ENVIRONMENT[password]} is another password than the one in ${ENVIRONMENT[address]}; set only one of them.`,
      ];
    }
    // The URL's own setter leaves % alone, which clients then decode.
    url.password = encodeURIComponent(secret);
    if (url.password === '') {
      return [`${ENVIRONMENT[password]} is set although ${ENVIRONMENT[address]} names no host; write one into it.`];
    }
    values.set(address, url.href);
    return [];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
