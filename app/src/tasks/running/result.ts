import { NonRetryable } from '../errors';
import { toJson } from '../json';

/** Kept in the task's row and read with it; anything larger travels as an object by its key. */
export const MAX_RESULT_BYTES = 64 * 1024;
/** PostgreSQL stores no U+0000 in JSON. An even number of backslashes before it makes it the text of one. */
const U_0000 = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * What the handler returned, as JSON; undefined when it returned nothing.
 * @throws NonRetryable when it cannot be kept: another attempt would return the same.
 */
export function resultOf(returned: unknown): string | undefined {
  if (returned === undefined) return undefined;
  let json: string | undefined;
  try {
    json = toJson(returned);
  } catch (error) {
    throw new NonRetryable(`the result cannot be written as JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (json === undefined) throw new NonRetryable('the result cannot be written as JSON: it is a function or a symbol');
  if (U_0000.test(json)) throw new NonRetryable('the result holds U+0000, which PostgreSQL does not store');
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_RESULT_BYTES) {
    throw new NonRetryable(
      `the result has ${bytes} bytes of JSON; at most ${MAX_RESULT_BYTES} are allowed: store it as an object and return its key`,
    );
  }
  return json;
}
