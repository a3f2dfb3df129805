import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { explainCertificate } from './tls';
import { isDatabaseUnavailable } from './unavailable';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5000;

/**
 * Waits until PostgreSQL answers a query, at most `limitSeconds`.
 * @throws the last connection error after the limit; any other error (wrong password, no such database,
 * a certificate that proves nothing) at once.
 */
export function waitForPostgres(config: ClientConfig, limitSeconds: number, logger: Logger): Promise<void> {
  return untilAvailable(() => askOnce(config), limitSeconds, logger);
}

/**
 * Does what needs the database, again and again while that is unavailable, for `limitSeconds` after the first time at most.
 * @param work may be done twice: of one whose answer did not come nobody knows whether it was done.
 * @throws the last connection error after the limit; any other error at once.
 */
export async function untilAvailable<T>(work: () => Promise<T>, limitSeconds: number, logger: Logger): Promise<T> {
  const began = performance.now();
  let loggedAt = -Infinity;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const waitedMs = performance.now() - began;
      if (!isDatabaseUnavailable(error) || waitedMs > limitSeconds * 1000) throw explainCertificate(error);
      if (waitedMs - loggedAt >= LOG_EVERY_MS) {
        loggedAt = waitedMs;
        const reason = error instanceof Error ? error.message : String(error);
        logger.info({ waitedMs: Math.round(waitedMs), limitSeconds, reason }, 'waiting for the database');
      }
      await sleep(RETRY_MS);
    }
  }
}

async function askOnce(config: ClientConfig): Promise<void> {
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
