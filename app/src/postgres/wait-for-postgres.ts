import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { explainCertificate } from './tls';
import { isDatabaseUnavailable } from './unavailable';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5000;

export interface DatabaseWait {
  /** Seconds after the first attempt, the last attempt included. */
  readonly limitSeconds: number;
  readonly logger: Logger;
  /** Ends the wait at once. @default - only the limit ends it */
  readonly signal?: AbortSignal;
}

/**
 * Waits until PostgreSQL answers a query.
 * @throws as `untilAvailable`.
 */
export function waitForPostgres(config: ClientConfig, wait: DatabaseWait): Promise<void> {
  return untilAvailable(() => askPostgres(config), wait);
}

/**
 * Does what needs the database, again and again while that is unavailable.
 * @param work may be done twice: of one whose answer did not come nobody knows whether it was done. One that is under
 * way when the wait ends is not waited for.
 * @throws the last connection error after the limit; any other error (wrong password, no such database, a certificate
 * that proves nothing) at once; the signal's reason when that ends it.
 */
export async function untilAvailable<T>(work: () => Promise<T>, wait: DatabaseWait): Promise<T> {
  const { limitSeconds, logger, signal } = wait;
  signal?.throwIfAborted();
  const began = performance.now();
  let reason: unknown = new Error(`the database did not answer within ${limitSeconds} s`);
  let loggedAt = -Infinity;
  const limit = AbortSignal.timeout(limitSeconds * 1000);
  const over = new Promise<never>((_resolve, reject) => {
    limit.addEventListener('abort', () => reject(explainCertificate(reason) as Error), { once: true });
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  for (;;) {
    try {
      return await Promise.race([work(), over]);
    } catch (error) {
      signal?.throwIfAborted();
      if (limit.aborted || !isDatabaseUnavailable(error)) throw explainCertificate(error);
      reason = error;
    }
    const waitedMs = performance.now() - began;
    if (waitedMs - loggedAt >= LOG_EVERY_MS) {
      loggedAt = waitedMs;
      const message = reason instanceof Error ? reason.message : String(reason);
      logger.info({ waitedMs: Math.round(waitedMs), limitSeconds, reason: message }, 'waiting for the database');
    }
    await Promise.race([sleep(RETRY_MS), over]);
  }
}

/** One query on a connection of its own, 4 s at most. */
export async function askPostgres(config: ClientConfig): Promise<void> {
  const client = new Client({ ...config, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  // Without a listener a connection that breaks between two queries would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end().catch(() => undefined);
  }
}
