import type Redis from 'ioredis';
import { createTasks } from '../../../src/tasks';
import type { TaskHandler } from '../../../src/tasks';
import { RedisKeys } from '../../../src/tasks/lanes';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { STEPPED } from '../support/stepped-engine';
import { until } from '../support/until';

/** What engines share, and the test's own ways to it. */
export interface Stores {
  readonly fixture: LedgerFixture;
  readonly redis: Redis;
  readonly redisUrl: string;
}

/** Nothing that engines sent before they were cut off is carried out any more. */
export async function untilNoticed({ pool }: LedgerFixture): Promise<void> {
  const sessions = 'select from pg_stat_activity where datname = current_database() and application_name = $1';
  await until('PostgreSQL has ended the sessions of all that were cut off', async () => {
    return (await pool.query(sessions, [STEPPED])).rowCount === 0;
  });
}

/** Ids in the lists of these queues. */
export async function listed({ fixture, redis }: Stores, queues: readonly string[]): Promise<string[]> {
  const keys = new RedisKeys(fixture.epoch);
  const lists = await Promise.all(queues.map((queue) => redis.lrange(keys.list({ queue, priority: 1 }), 0, -1)));
  return lists.flat();
}

/** Another engine, whole and undisturbed, works until nothing is left to do, to give back or to take from the lists. */
export async function goOn(stores: Stores, queues: readonly string[], handlers: TaskHandler[]): Promise<void> {
  const { fixture, redisUrl } = stores;
  const tasks = createTasks({
    ...{ postgres: { connectionString: fixture.url, max: 5 }, redisUrl, logger: recordingLogger() },
    ...{ heartbeatSeconds: 0.3, leaseSeconds: 1 },
  });
  await tasks.startWorker({ handlers, queues: queues.map((name) => ({ name })), concurrency: 20 });
  const none = async (text: string): Promise<boolean> => (await fixture.rows(text)).length === 0;
  await until('everything is finished', () => none('select from holdfast.task where finished_at is null limit 1'), 30);
  await until('no claim is left', () => none('select from holdfast.claim limit 1'), 20);
  await until('the lists are empty', async () => (await listed(stores, queues)).length === 0);
  await tasks.close();
}
