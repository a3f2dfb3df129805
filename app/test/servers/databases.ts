import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { fromTestRun } from './test-run';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Closes what is still connected to it and drops it. */
  drop(): Promise<void>;
}

/** A new, empty database on the run's shared PostgreSQL; take one per test file. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}`);
  const url = new URL(fromTestRun('databaseUrl'));
  url.pathname = `/${name}`;
  return { name, url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function onServer(statement: string): Promise<void> {
  const client = new Client({ connectionString: fromTestRun('databaseUrl') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/**
 * One numbered database (0 to 127) of the run's shared Redis. FLUSHALL there empties everybody's: take
 * startPrivateRedis() for tests that empty, kill or freeze it.
 */
export function redisUrl(databaseNumber: number): string {
  if (!Number.isInteger(databaseNumber) || databaseNumber < 0 || databaseNumber > 127) {
    throw new Error(`redisUrl(${databaseNumber}): the shared Redis has the databases 0 to 127; choose one of them.`);
  }
  return `${fromTestRun('redisUrl')}/${databaseNumber}`;
}
