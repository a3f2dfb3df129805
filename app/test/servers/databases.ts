import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate, newLedgerEpoch } from '../../src/tasks';
import { fromTestRun } from './test-run';

export interface TestDatabase {
  readonly name: string;
  readonly url: string;
  /** Closes what is still connected to it and drops it. */
  drop(): Promise<void>;
}

/** What every database with a ledger is copied from: migrating each anew would take most of many a test's time. */
const LEDGER_TEMPLATE = 'ledger_template';

/** Once for the run, before its first test. */
export async function createLedgerTemplate(): Promise<void> {
  await onServer(`CREATE DATABASE ${LEDGER_TEMPLATE}`);
  await migrate({ connectionString: urlOf(LEDGER_TEMPLATE) });
}

/** A new database on the run's shared PostgreSQL with a migrated ledger, whose epoch no other has. */
export async function createLedgerDatabase(): Promise<TestDatabase> {
  const database = await createDatabase(LEDGER_TEMPLATE);
  await newLedgerEpoch({ connectionString: database.url });
  return database;
}

/** A new, empty database on the run's shared PostgreSQL; take one per test file. */
export async function createDatabase(template = 'template1'): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  return { name, url: urlOf(name), drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

function urlOf(database: string): string {
  const url = new URL(fromTestRun('databaseUrl'));
  url.pathname = `/${database}`;
  return url.href;
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
