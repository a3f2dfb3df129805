import Redis from 'ioredis';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { RedisKeys } from '../../../src/tasks/lanes';
import { Reaper } from '../../../src/tasks/leases/reaper';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { zeroCounters } from '../../../src/tasks/metrics';
import { redisUrl } from '../../servers/databases';
import { ledgerFixture } from '../support/ledger-fixture';
import { lifeline } from '../support/lifeline';
import type { Death } from '../support/lifeline';
import { recordingLogger } from '../support/recording-logger';
import { STEPPED } from '../support/stepped-engine';
import { queueTasks, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { goOn, listed, untilNoticed } from './successor';
import type { Stores } from './successor';
import { handlersOf, order, TABLES } from './two-lives';

const REDIS = redisUrl(93);
const DEATHS: readonly Death[] = ['before it arrives', 'answer lost'];
const LEASE_SECONDS = 0.2;
/** For all points: two reapers at each, one after the other. */
const LIMIT_MS = 120_000;
/** The lowest of all: the first by id has the duties that one of the fleet does for all. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const TAKEN_BACK = { state: 'queued', fence: 1, attempts: 0, crashes: 1, failures: 1, claims: 0 };

interface Point {
  readonly message: string;
  readonly death: Death;
}

const SEEN = `
  select state, fence, attempts, crashes,
         (select count(*)::int from holdfast.attempt where task_id = t.id) as failures,
         (select count(*)::int from holdfast.claim where t.id = any (task_ids)) as claims,
         (select count(*)::int from effect where task = t.uuid) as effects
  from holdfast.task t where queue = $1`;

let stores: Stores;
beforeAll(async () => {
  const redis = new Redis(REDIS);
  await redis.flushdb();
  stores = { fixture: await ledgerFixture(), redis, redisUrl: REDIS };
  await stores.fixture.pool.query(TABLES);
});
afterAll(async () => {
  await stores.redis.flushdb();
  stores.redis.disconnect();
  await stores.fixture.drop();
});

/** A task that a worker claimed which sends no heartbeat. */
async function runningTask(queue: string): Promise<void> {
  const { fixture, redis } = stores;
  const kinds = [`${order.name}@${order.version}`];
  const worker = await workerRow(fixture, kinds, [queue]);
  const ids = await queueTasks(fixture, 1, { name: order.name, queue });
  const ledger = new Ledger({ connectionString: fixture.url, max: 1 }, 15, recordingLogger());
  await new Claimer(ledger, kinds, [queue]).byId(worker, ids);
  await ledger.close();
  // A relay has filled the lists of this queue, so that whoever queues a task hands it over.
  await redis.set(new RedisKeys(fixture.epoch).generation(queue), 'known');
}

/** A reaper looks until `enough`, or until it is cut off. @returns the messages it sent. */
async function reap(enough: () => Promise<boolean>, point?: Point): Promise<readonly string[]> {
  const line = await lifeline(stores.fixture.url, REDIS);
  const [logger, counters] = [recordingLogger(), zeroCounters()];
  const postgres = { connectionString: line.postgresUrl, max: 2, application_name: STEPPED };
  const ledger = new Ledger(postgres, LEASE_SECONDS, logger);
  const redis = new RedisConnection(line.redisUrl, { name: 'reaper', silenceMs: 5_000, logger });
  const dispatcher = new Dispatcher(redis, ledger, 1_000, counters);
  const workerId = (): string => FIRST_ID;
  const reaper = new Reaper({ ledger, dispatcher, counters, logger, workerId, leaseSeconds: LEASE_SECONDS });
  await until('Redis answers', () => redis.ready);
  line.count((message) => (message === point?.message ? point.death : undefined));
  reaper.start();
  try {
    if (point === undefined) await until('it has taken back what was lost', enough);
    else await line.dead;
  } finally {
    await reaper.stop();
    redis.close();
    await ledger.close();
    await line.close();
  }
  return line.sent;
}

it(
  'a reaper may stop at any statement and any command: another takes back what was lost, once',
  async () => {
    const takenBack = (queue: string) => async (): Promise<boolean> => {
      const [task] = await stores.fixture.rows<typeof TAKEN_BACK>(SEEN, [queue]);
      return task!.state === 'queued' && task!.claims === 0;
    };
    await runningTask('whole');
    const handedOver = async (): Promise<boolean> => (await listed(stores, ['whole'])).length === 1;
    const messages = await reap(async () => (await takenBack('whole')()) && (await handedOver()));

    const queues = ['whole'];
    for (const message of new Set(messages)) {
      for (const death of DEATHS) {
        const point = { message, death };
        const queue = `cut-${queues.length}`;
        queues.push(queue);
        await runningTask(queue);
        await reap(takenBack(queue), point);
        await untilNoticed(stores.fixture);
        await reap(takenBack(queue));
        expect({ point, tasks: await stores.fixture.rows(SEEN, [queue]) }).toMatchObject({
          point,
          tasks: [TAKEN_BACK],
        });
        expect({ point, listed: (await listed(stores, [queue])).length <= 1 }).toEqual({ point, listed: true });
      }
    }

    await goOn(stores, queues, handlersOf(new Map()));
    for (const queue of queues) {
      const done = { state: 'done', fence: 2, attempts: 1, failures: 1, effects: 1 };
      expect({ queue, tasks: await stores.fixture.rows(SEEN, [queue]) }).toMatchObject({ queue, tasks: [done] });
    }
  },
  LIMIT_MS,
);
