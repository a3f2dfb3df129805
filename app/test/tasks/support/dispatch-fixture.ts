import Redis from 'ioredis';
import type { Client } from 'pg';
import { z } from 'zod';
import { createTasks, defineTask } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { QueueRelay, RELAY_STATEMENTS } from '../../../src/tasks/dispatching/queue-relay';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { Relay } from '../../../src/tasks/dispatching/relay';
import type { RelayOptions } from '../../../src/tasks/dispatching/relay';
import { RedisKeys } from '../../../src/tasks/lanes';
import type { Lane } from '../../../src/tasks/lanes';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { zeroCounters } from '../../../src/tasks/metrics';
import type { Counters } from '../../../src/tasks/metrics';
import { ledgerFixture } from './ledger-fixture';
import type { LedgerFixture } from './ledger-fixture';
import { recordingLogger } from './recording-logger';
import type { RecordingLogger } from './recording-logger';
import { until } from './until';

/** A kind of task for tests that do not care about the kind. */
export const note = defineTask({ name: 'note', payload: z.object({ n: z.number() }) });
/** Where `note` goes unless told otherwise. */
export const NOTES: Lane = { queue: 'default', priority: 1 };

/** A ledger, its lists in Redis, and what moves ids from one to the other, a step at a time. */
export interface DispatchFixture extends LedgerFixture {
  readonly logger: RecordingLogger;
  /** Accepts and dispatches as any process does; no worker of it runs. */
  readonly tasks: Tasks;
  /** The test's own connection to the Redis that the engine uses. */
  readonly redis: Redis;
  readonly keys: RedisKeys;
  /** What the relay and `dispatch` counted; `tasks` has its own counters. */
  readonly relayCounters: Counters;
  /** One look of the queue's relay, in the test's own time; `afterDue` happens each time it has read what is due. */
  look(afterDue?: () => Promise<void>): Promise<void>;
  /** One refill between two looks; `afterDue` happens each time it has read what is due. */
  refill(afterDue?: () => Promise<void>): Promise<void>;
  /** Hands over an id as an acceptor does after its commit; resolves when it was pushed or left to the relay. */
  dispatch(id: string, lane?: Lane): Promise<'pushed' | 'left'>;
  /** Hands over ids of tasks that were claimed before; resolves when all were pushed or some were left to the relay. */
  putBack(ids: readonly string[], lane?: Lane): Promise<'pushed' | 'left'>;
  /** A relay as every worker runs one, stopped with the fixture. @param through its own way to Redis */
  startRelay(queues?: readonly string[], through?: RedisConnection): Relay;
  /** What the lane's list holds, first to be taken first. */
  list(lane?: Lane): Promise<string[]>;
  /** The due tasks of a lane as the ledger orders them. */
  due(lane?: Lane): Promise<string[]>;
  /** Writes queued tasks into the ledger that nobody has dispatched, one a second older than the next. */
  insert(count: number, lane?: Lane): Promise<string[]>;
  /** Marks tasks as done, as if a worker had run them. */
  finish(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface DispatchFixtureOptions {
  readonly redisUrl: string;
  /** @default 100 */
  readonly window?: number;
  /** @default the engine's */
  readonly heartbeatSeconds?: number;
  /** @default the engine's */
  readonly leaseSeconds?: number;
}

export async function dispatchFixture(given: DispatchFixtureOptions): Promise<DispatchFixture> {
  const { window = 100, redisUrl } = given;
  const fixture = await ledgerFixture();
  // The relay hands over only what some living worker can run.
  await fixture.rows(
    `insert into holdfast.worker (id, host, pid, queues, kinds, concurrency)
     values (gen_random_uuid(), 'test', 0, array[$1], array[$2], 1)`,
    [NOTES.queue, `${note.name}@${note.version}`],
  );
  const logger = recordingLogger();
  const postgres = { connectionString: fixture.url };
  const ledger = new Ledger(postgres, 15, logger);
  const connection = new RedisConnection(redisUrl, { name: 'relay', silenceMs: 2_000, logger });
  const tasks = createTasks({ ...given, postgres, logger, window });
  const counters = zeroCounters();
  const dispatcher = new Dispatcher(connection, ledger, window, counters);
  const keys = new RedisKeys(fixture.epoch);
  const redis = new Redis(redisUrl);
  redis.on('error', () => undefined);
  const options = (queues: readonly string[]): RelayOptions => ({
    ...{ ledger, redis: connection, dispatcher, queues, window, counters, logger },
  });
  const statements = loadStatements(`${__dirname}/../../../src/tasks/dispatching`, 'relay.sql', RELAY_STATEMENTS);
  const queueRelay = new QueueRelay(NOTES.queue, keys, statements, options([NOTES.queue]));
  const session: Client = await fixture.connect();
  const relays: Relay[] = [];
  await until('Redis answers', () => connection.ready && tasks.redisReachable());

  const settled = (count: number, handOver: () => void): Promise<'pushed' | 'left'> => {
    const { dispatched, dispatchSkipped } = counters;
    handOver();
    return until('the ids were pushed or left', () => {
      if (counters.dispatchSkipped > dispatchSkipped) return 'left';
      return counters.dispatched === dispatched + count && 'pushed';
    });
  };
  const ids = async (text: string, values: readonly unknown[]): Promise<string[]> =>
    (await fixture.rows<{ id: string }>(text, values)).map((row) => row.id);
  return {
    ...{ ...fixture, logger, tasks, redis, keys, relayCounters: counters },
    look: (afterDue) => queueRelay.look(afterDue === undefined ? session : stepped(session, statements.due, afterDue)),
    refill: (afterDue) =>
      queueRelay.refill(afterDue === undefined ? session : stepped(session, statements.due_after, afterDue)),
    dispatch: (id, lane = NOTES) => settled(1, () => dispatcher.push([{ id, ...lane }])),
    putBack: (given, lane = NOTES) =>
      settled(given.length, () => dispatcher.putBack(given.map((id) => ({ id, ...lane })))),
    startRelay: (queues = [NOTES.queue], through = connection) => {
      const relay = new Relay({ ...options(queues), redis: through });
      relay.start();
      relays.push(relay);
      return relay;
    },
    list: (lane = NOTES) => redis.lrange(keys.list(lane), 0, -1),
    due: ({ queue, priority } = NOTES) =>
      ids(
        `select id from holdfast.task where queue = $1 and priority = $2 and state = 'queued' and run_at <= now()
         order by run_at, id`,
        [queue, priority],
      ),
    insert: (count, { queue, priority } = NOTES) =>
      ids(
        `insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                                    time_limit_seconds)
         select gen_random_uuid(), $1, 1, $2, $3, jsonb_build_object('n', n), now() - make_interval(secs => $4 - n),
                5, 5, 60
         from generate_series(1, $4::int) n order by n returning id`,
        [note.name, queue, priority, count],
      ),
    finish: async (finished) => {
      await ids(`update holdfast.task set state = 'done', finished_at = now() where id = any ($1)`, [finished]);
    },
    close: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
      await tasks.close();
      connection.close();
      redis.disconnect();
      await ledger.close();
      await fixture.drop();
    },
  };
}

/** A session on which `step` happens each time after PostgreSQL has answered this statement. */
function stepped(session: Client, statement: string, step: () => Promise<void>): Client {
  const query = async (text: string, values?: unknown[]): Promise<unknown> => {
    const answer = await session.query(text, values);
    if (text === statement) await step();
    return answer;
  };
  return Object.create(session, { query: { value: query } }) as Client;
}
