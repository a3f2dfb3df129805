import { isNativeError } from 'node:util/types';

/** SQLSTATE classes and codes after which the same statement may succeed on another connection. */
const CONNECTION_CODES = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '25P03', // idle_in_transaction_session_timeout
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Codes of statements that were undone as a whole; beside them class 53, insufficient resources. */
const TRANSIENT_CODES = new Set([
  '25006', // read_only_sql_transaction
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled, also by statement_timeout
]);

/** `pg` and `pg-pool` raise these without a code. Whole messages: an effect's own error may say something like it. */
const CONNECTION_MESSAGES = new Set([
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
]);

/** True when the connection, not the statement, failed: what was sent may or may not have been carried out. */
export function isConnectionError(error: unknown): boolean {
  try {
    return isBroken(error);
  } catch {
    // Handlers can throw anything, also what throws when it is looked at.
    return false;
  }
}

/** True when the server takes no writes: after a failover an old connection may lead to what is a replica now. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === '25006';
}

function isBroken(error: unknown): boolean {
  // By shape, not by class: errors may come from another realm (node:vm), whose Error is another one.
  if (!isNativeError(error)) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isConnectionError);
  const code = codeOf(error);
  if (code !== undefined) return code.startsWith('08') || CONNECTION_CODES.has(code);
  return CONNECTION_MESSAGES.has(error.message);
}

/** True when trying the same again later is right although nothing is wrong with it. */
export function isTransient(error: unknown): boolean {
  if (isConnectionError(error)) return true;
  const code = codeOf(error);
  return code !== undefined && (TRANSIENT_CODES.has(code) || code.startsWith('53'));
}

/** True when there is no room for what was written: nobody's fault, and it may last. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error) === '53100';
}

/** True when the data of one row is at fault (class 22 data exception, 23 constraint, 54 program limit). */
export function isDataError(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error) ?? '');
}

/** True when PostgreSQL cannot hold the value itself (class 22 data exception, 54 program limit). */
export function isUnstorable(error: unknown): boolean {
  return /^(22|54)/.test(codeOf(error) ?? '');
}

/** True when a row was refused because another one is where it alone may be. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === '23505';
}

function codeOf(error: unknown): string | undefined {
  try {
    if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
    return typeof error.code === 'string' ? error.code : undefined;
  } catch {
    return undefined;
  }
}
