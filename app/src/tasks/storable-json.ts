import { NonRetryable } from './errors';
import { toJson } from './json';

/**
 * PostgreSQL stores neither U+0000 nor half of a surrogate pair in JSON. JSON.stringify escapes both; an even number of
 * backslashes before makes it the text of an escape.
 */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(0000|d[89a-f][0-9a-f]{2})/;

/**
 * What a handler returned, as JSON that PostgreSQL stores; undefined when it returned nothing.
 * @param what it is, for messages: `the result`.
 * @throws NonRetryable when it cannot be kept: another attempt would return the same.
 */
export function storableJson(what: string, value: unknown, maxBytes: number): string | undefined {
  if (value === undefined) return undefined;
  let json: string | undefined;
  try {
    json = toJson(value);
  } catch (error) {
    throw new NonRetryable(`${what} cannot be written as JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (json === undefined) throw new NonRetryable(`${what} cannot be written as JSON: it is a function or a symbol`);
  const unstorable = UNSTORABLE.exec(json)?.[1];
  if (unstorable !== undefined) {
    const part = unstorable === '0000' ? 'U+0000' : 'half of a surrogate pair';
    throw new NonRetryable(`${what} holds ${part}, which PostgreSQL does not store`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > maxBytes) {
    throw new NonRetryable(
      `${what} has ${bytes} bytes of JSON; at most ${maxBytes} are allowed: store it as an object and return its key`,
    );
  }
  return json;
}
