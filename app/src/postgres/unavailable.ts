import { types } from 'node:util';
import { isTransient } from '../tasks';

/** SQLSTATEs that, besides those of a lost connection, say that the database and not the request was at fault. */
const CODES = new Set([
  '25006', // read_only_sql_transaction: still connected to a primary that was demoted
  '25P03', // idle_in_transaction_session_timeout
  '57014', // query_canceled: the statement time-out
]);

const CONFLICTS = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/** True when PostgreSQL could not be reached, did not answer in time or refused work for a while. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return someCause(error, (cause) => isTransient(cause) || CODES.has(codeOf(cause) ?? ''));
}

/** True when PostgreSQL undid a transaction for the sake of others; the same one may succeed at once. */
export function isConflict(error: unknown): boolean {
  return someCause(error, (cause) => CONFLICTS.has(codeOf(cause) ?? ''));
}

/** True when a table or schema is missing (SQLSTATE 42P01, 3F000): the migrations have not run yet. */
export function isNotMigrated(error: unknown): boolean {
  return someCause(error, (cause) => ['42P01', '3F000'].includes(codeOf(cause) ?? ''));
}

function someCause(error: unknown, test: (cause: Error) => boolean): boolean {
  // By shape, not by class: errors may come from another realm (node:vm), whose Error is another one.
  if (!types.isNativeError(error)) return false;
  return test(error) || (error.cause !== undefined && someCause(error.cause, test));
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
