import { Client } from 'pg';
import { CONNECTIONS_BEYOND_POOL } from '../../src/contract';
import { enginePool, openPool, postgresAt, webPools } from '../../src/postgres/connection';
import { probe } from '../../src/probes/probe.task';
import { createLogger } from '../../src/process/logger';
import { createTasks, handle } from '../../src/tasks';
import { eventually } from '../http/test-app';
import { createLedgerDatabase, redisUrl } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';

const POOL_SIZE = 5;
const logger = createLogger('test', 'silent', process.pid);
let database: TestDatabase;
let observer: Client;
beforeEach(async () => {
  database = await createLedgerDatabase();
  observer = new Client({ ...postgresAt(database.url), application_name: 'observer' });
  await observer.connect();
});
afterEach(async () => {
  await observer.end();
  await database.drop();
});

async function connections(): Promise<number> {
  const answer = await observer.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and application_name <> 'observer'`,
  );
  return answer.rows[0]!.count;
}

/** The most connections that were open at any look until `ends` has resolved. */
async function mostUntil(ends: Promise<unknown>): Promise<number> {
  const state = { over: false };
  const ending = ends.finally(() => (state.over = true));
  let most = 0;
  while (!state.over) most = Math.max(most, await connections());
  await ending;
  return most;
}

test('a worker opens its pool and what the contract says besides, no more', async () => {
  const postgres = enginePool({ databaseUrl: database.url, poolSize: POOL_SIZE, process: 'worker' });
  const tasks = createTasks({ postgres, redisUrl: redisUrl(4), logger });
  const writing = handle(probe, ({ effects }) => {
    effects((tx) => tx.query('select pg_sleep(0.005)'));
    return Promise.resolve();
  });
  await tasks.startWorker({ handlers: [writing], queues: [{ name: 'probes' }], concurrency: 50 });
  const load = async (): Promise<void> => {
    await tasks.acceptMany(probe, Array(1_000).fill({ runMs: 0, failTimes: 0 }));
    await eventually(async () => {
      const { rowCount } = await observer.query('select from holdfast.task where finished_at is null limit 1');
      return rowCount === 0 ? true : undefined;
    }, 'all are done');
  };
  const most = await mostUntil(load());
  expect(most).toBeLessThanOrEqual(POOL_SIZE + CONNECTIONS_BEYOND_POOL.worker);
  expect(most).toBeGreaterThan(POOL_SIZE);
  await tasks.close();
});

test('a web process opens its pool and what the contract says besides, no more', async () => {
  const pools = webPools({ databaseUrl: database.url, poolSize: POOL_SIZE, process: 'web' });
  const tasks = createTasks({ postgres: pools.engine, redisUrl: redisUrl(4), logger });
  const own = openPool(pools.app, logger);
  const load = Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const { id } = await tasks.accept(probe, { runMs: 0, failTimes: 0 });
      await tasks.transaction((tx) => tx.query('select pg_sleep(0.005)'));
      await tasks.get(id);
      await tasks.status();
      await own.query('select $1::int', [i]);
    }),
  );
  expect(await mostUntil(load)).toBeLessThanOrEqual(POOL_SIZE + CONNECTIONS_BEYOND_POOL.web);
  await tasks.close();
  await own.end();
});
