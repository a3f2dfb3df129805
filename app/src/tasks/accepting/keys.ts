import { createHash } from 'node:crypto';
import type { TaskDefinition } from '../definition';
import { InvalidTaskError } from '../errors';
import type { AcceptOptions } from '../types';
import type { PreparedTask } from './prepare';

export interface RequestKey {
  readonly name: string;
  readonly key: string;
  /** SHA-256 of what was asked for. */
  readonly fingerprint: Buffer;
}

export interface UniqueKey {
  readonly name: string;
  readonly key: string;
  readonly until: 'start' | 'finish';
  readonly replace: boolean;
}

/** Under which keys a batch of tasks of one kind is accepted. */
export interface Keys {
  readonly request: RequestKey | undefined;
  readonly unique: UniqueKey | undefined;
}

/** Longest key, in characters: as long as the primary key and the index allow at four bytes each. */
export const MAX_KEY_LENGTH = 255;

/**
 * Checks the keys of what a caller wants to accept.
 * @returns undefined when there are none.
 * @throws InvalidTaskError naming the part that is wrong.
 */
export function prepareKeys(
  { name }: TaskDefinition,
  options: AcceptOptions | undefined,
  tasks: readonly PreparedTask[],
): Keys | undefined {
  const { requestKey, requestFingerprint, uniqueKey } = options ?? {};
  if (requestKey === undefined && requestFingerprint !== undefined) {
    throw new InvalidTaskError('requestFingerprint', 'is given without a requestKey');
  }
  if (requestKey === undefined && uniqueKey === undefined) return undefined;
  return {
    request:
      requestKey === undefined
        ? undefined
        : { name, key: checked('requestKey', requestKey), fingerprint: fingerprint(requestFingerprint, tasks) },
    unique: uniqueKey === undefined ? undefined : { name, ...preparedUnique(uniqueKey) },
  };
}

function preparedUnique(given: NonNullable<AcceptOptions['uniqueKey']>): Omit<UniqueKey, 'name'> {
  const { key, until = 'start', replace = false } = typeof given === 'string' ? { key: given } : given;
  if (!['start', 'finish'].includes(until)) {
    throw new InvalidTaskError('uniqueKey.until', `${JSON.stringify(until)} is not one of start, finish`);
  }
  return { key: checked(typeof given === 'string' ? 'uniqueKey' : 'uniqueKey.key', key), until, replace };
}

function checked(path: string, key: string): string {
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_LENGTH) {
    throw new InvalidTaskError(path, `is not text of 1 to ${MAX_KEY_LENGTH} characters`);
  }
  // Halves would all be stored as the same replacement character, and different keys be one.
  if (/\0|\p{Surrogate}/u.test(key)) {
    throw new InvalidTaskError(path, 'holds U+0000 or half of a surrogate pair, which cannot be stored');
  }
  return key;
}

/**
 * What the tasks are, whatever the order of their payloads' fields; or what the caller says that they are. The version of
 * the definition is left out: a client repeats its request without knowing of a deploy in between.
 */
function fingerprint(given: string | undefined, tasks: readonly PreparedTask[]): Buffer {
  const hash = createHash('sha256');
  if (given !== undefined) return hash.update('given:').update(given).digest();
  for (const { definition, queue, priority, runAt, payload, after } of tasks) {
    const what: unknown[] = [definition.name, queue, priority, runAt?.toISOString() ?? null];
    if (after !== undefined) what.push(after.map(({ id, onFailure }) => [id, onFailure]));
    hash.update(JSON.stringify([...what, JSON.parse(payload, sortedFields)])).update('\n');
  }
  return hash.digest();
}

function sortedFields(_field: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // Pairs rather than an object, which would put fields that look like numbers first, and lose `__proto__`.
  return { fields: Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) };
}
