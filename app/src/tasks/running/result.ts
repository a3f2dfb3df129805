import type { z } from 'zod';
import { NonRetryable } from '../errors';
import { toJson } from '../json';

/** Kept in the task's row and read with it; anything larger travels as an object by its key. */
export const MAX_RESULT_BYTES = 64 * 1024;
/**
 * PostgreSQL stores neither U+0000 nor half of a surrogate pair in JSON. JSON.stringify escapes both; an even number of
 * backslashes before makes it the text of an escape.
 */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(0000|d[89a-f][0-9a-f]{2})/;

/**
 * What the handler returned, as JSON; undefined when it returned nothing.
 * @param schema what it has to be, in the form in which it will be read.
 * @throws NonRetryable when it cannot be kept or does not fit: another attempt would return the same.
 */
export function resultOf(returned: unknown, schema?: z.ZodType): string | undefined {
  const json = jsonOf(returned);
  if (schema === undefined) return json;
  const parsed = schema.safeParse(json === undefined ? undefined : JSON.parse(json));
  if (parsed.success) return json;
  const issue = parsed.error.issues[0];
  const path = ['result', ...(issue?.path ?? [])].map(String).join('.');
  throw new NonRetryable(`what the handler returned does not fit its definition: ${path}: ${issue?.message ?? ''}`);
}

function jsonOf(returned: unknown): string | undefined {
  if (returned === undefined) return undefined;
  let json: string | undefined;
  try {
    json = toJson(returned);
  } catch (error) {
    throw new NonRetryable(`the result cannot be written as JSON: ${error instanceof Error ? error.message : ''}`);
  }
  if (json === undefined) throw new NonRetryable('the result cannot be written as JSON: it is a function or a symbol');
  const unstorable = UNSTORABLE.exec(json)?.[1];
  if (unstorable !== undefined) {
    const what = unstorable === '0000' ? 'U+0000' : 'half of a surrogate pair';
    throw new NonRetryable(`the result holds ${what}, which PostgreSQL does not store`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_RESULT_BYTES) {
    throw new NonRetryable(
      `the result has ${bytes} bytes of JSON; at most ${MAX_RESULT_BYTES} are allowed: store it as an object and return its key`,
    );
  }
  return json;
}
