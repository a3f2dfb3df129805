import { toJson } from '../json';
import { describe } from '../running/describe';
import type { LogLevel } from '../types';

/** One line as the ledger keeps it. */
export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  /** JSON, or null when there are none. */
  readonly fields: string | null;
}

const MAX_FIELDS_BYTES = 4 * 1024;
/** What the app's logger leaves out of its lines must not turn up in the ledger. */
const SECRETS = new Set(['authorization', 'password', 'connectionString']);
/** U+0000 and halves of surrogate pairs, escaped as JSON.stringify does it, with the escaped backslashes before. */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** Makes a line of what a handler logged that PostgreSQL stores, whatever it is. Never throws. */
export function lineOf(level: LogLevel, fields: unknown, message: unknown): Line {
  return {
    level,
    message: describe(message),
    fields: fieldsOf(fields),
  };
}

function fieldsOf(fields: unknown): string | null {
  let json: string | undefined;
  try {
    json = toJson(fields, storable);
  } catch (error) {
    return omitted(`the fields cannot be written as JSON: ${describe(error)}`);
  }
  if (json === undefined || json === '{}') return null;
  json = json.replaceAll(UNSTORABLE, '$1\\ufffd');
  const bytes = Buffer.byteLength(json);
  return bytes <= MAX_FIELDS_BYTES
    ? json
    : omitted(`the fields have ${bytes} bytes of JSON; ${MAX_FIELDS_BYTES} are kept`);
}

function omitted(reason: string): string {
  return JSON.stringify({ omitted: reason.slice(0, 500) }).replaceAll(UNSTORABLE, '$1\\ufffd');
}

function storable(key: string, value: unknown): unknown {
  if (SECRETS.has(key)) return '[Redacted]';
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return { type: value.name, message: value.message, stack: value.stack };
  return value;
}
