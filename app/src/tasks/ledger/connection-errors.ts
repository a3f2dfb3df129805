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

/** `pg` raises these without a code. */
const CONNECTION_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|connection ended/i;

/** True when the connection, not the statement, failed: what was sent may or may not have been carried out. */
export function isConnectionError(error: unknown): boolean {
  // By shape, not by class: errors may come from another realm (node:vm), whose Error is another one.
  if (!isNativeError(error)) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.some(isConnectionError);
  const code = codeOf(error);
  if (code !== undefined) return code.startsWith('08') || CONNECTION_CODES.has(code);
  return CONNECTION_MESSAGES.test(error.message);
}

/** True when trying the same again later is right although nothing is wrong with it. */
export function isTransient(error: unknown): boolean {
  if (isConnectionError(error)) return true;
  const code = codeOf(error);
  // 40001 serialization_failure, 40P01 deadlock_detected, 55P03 lock_not_available, 53xxx insufficient_resources
  return code !== undefined && (['40001', '40P01', '55P03'].includes(code) || code.startsWith('53'));
}

/** True when the data of one row is at fault (class 22 data exception, 23 constraint, 54 program limit). */
export function isDataError(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error) ?? '');
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
