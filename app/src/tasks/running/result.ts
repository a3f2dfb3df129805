import type { z } from 'zod';
import { NonRetryable } from '../errors';
import { storableJson } from '../storable-json';

/** Kept in the task's row and read with it; anything larger travels as an object by its key. */
export const MAX_RESULT_BYTES = 64 * 1024;

/**
 * What the handler returned, as JSON; undefined when it returned nothing.
 * @param schema what it has to be, in the form in which it will be read.
 * @throws NonRetryable when it cannot be kept or does not fit: another attempt would return the same.
 */
export function resultOf(returned: unknown, schema?: z.ZodType): string | undefined {
  const json = storableJson('the result', returned, MAX_RESULT_BYTES);
  if (schema === undefined) return json;
  const parsed = schema.safeParse(json === undefined ? undefined : JSON.parse(json));
  if (parsed.success) return json;
  const issue = parsed.error.issues[0];
  const path = ['result', ...(issue?.path ?? [])].map(String).join('.');
  throw new NonRetryable(`what the handler returned does not fit its definition: ${path}: ${issue?.message ?? ''}`);
}
