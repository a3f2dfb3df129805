import { setImmediate } from 'node:timers/promises';
import Redis from 'ioredis';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { QueueRelay, RELAY_STATEMENTS } from '../../../src/tasks/dispatching/queue-relay';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { RedisKeys } from '../../../src/tasks/lanes';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { zeroCounters } from '../../../src/tasks/metrics';
import { Scheduler } from '../../../src/tasks/scheduling/scheduler';
import type { SchedulerParts } from '../../../src/tasks/scheduling/scheduler';
import { SCHEDULE_STATEMENTS } from '../../../src/tasks/scheduling/schedule-row';
import type { ScheduleDefinition } from '../../../src/tasks/scheduling/schedule';
import { redisUrl } from '../../servers/databases';
import type { LedgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';
import type { TestParts } from '../support/worker-parts';

const SOURCE = `${__dirname}/../../../src/tasks`;
/** So small that sequences go over it. */
export const WINDOW = 4;

/** The relays of some queues without loops, on a real Redis that nobody else uses. */
export interface SteppedRelay {
  /** What the relay finds out again when it is another process. */
  restart(): void;
  look(queue: string): Promise<void>;
  refill(queue: string): Promise<void>;
  /** Pushes a task's id as whoever accepted it does after the commit; resolves when it is pushed or left to the relay. */
  dispatch(queue: string, id: string): Promise<void>;
  list(queue: string): Promise<string[]>;
  pop(queue: string, limit: number): Promise<string[]>;
  /** Redis loses everything. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function steppedRelay(fixture: LedgerFixture, parts: TestParts, queues: readonly string[]) {
  const url = redisUrl(91);
  const connection = new RedisConnection(url, { name: 'relay', silenceMs: 2_000, logger: parts.logger });
  const redis = new Redis(url);
  const counters = zeroCounters();
  const dispatcher = new Dispatcher(connection, parts.ledger, WINDOW, counters);
  const keys = new RedisKeys(fixture.epoch);
  const statements = loadStatements(`${SOURCE}/dispatching`, 'relay.sql', RELAY_STATEMENTS);
  const session = await fixture.connect();
  const options = { ...parts, redis: connection, dispatcher, queues, window: WINDOW, counters };
  const list = (queue: string): string => keys.list({ queue, priority: 1 });
  const relays = new Map<string, QueueRelay>();
  const relay = (queue: string): QueueRelay => relays.get(queue) ?? anew(queue);
  const anew = (queue: string): QueueRelay => {
    const made = new QueueRelay(queue, keys, statements, options);
    relays.set(queue, made);
    return made;
  };
  await until('Redis answers', () => connection.ready);
  const stepped: SteppedRelay = {
    restart: () => relays.clear(),
    look: (queue) => relay(queue).look(session),
    refill: (queue) => relay(queue).refill(session),
    dispatch: async (queue, id) => {
      const sum = (): number => counters.dispatched + counters.dispatchSkipped;
      const before = sum();
      dispatcher.push([{ id, queue, priority: 1 }]);
      while (sum() === before) await setImmediate();
    },
    list: (queue) => redis.lrange(list(queue), 0, -1),
    pop: async (queue, limit) => (await redis.lpop(list(queue), limit)) ?? [],
    flush: async () => {
      await redis.flushdb();
    },
    close: async () => {
      await redis.flushdb();
      redis.disconnect();
      connection.close();
      await session.end();
    },
  };
  return stepped;
}

/** What happens to the look of one of two schedulers. */
export type Disturbance = 'none' | 'dies before its commit' | 'dies after its commit' | 'is overtaken by the other';

/** Two schedulers without loops that know one schedule. */
export interface SteppedSchedulers {
  /** The schedule begins anew, without ticks. */
  begin(): Promise<void>;
  /** So many ticks become due. */
  pass(ticks: number): Promise<void>;
  look(which: number, disturbance: Disturbance): Promise<void>;
}

/** Too long for any test to see the next one come by itself. */
const EVERY_SECONDS = 365 * 86_400;
const HALF = EVERY_SECONDS / 2;

export function steppedSchedulers(
  fixture: LedgerFixture,
  parts: TestParts,
  schedule: Pick<ScheduleDefinition, 'task' | 'options'>,
): SteppedSchedulers {
  const { known } = loadStatements(`${SOURCE}/scheduling`, 'schedule.sql', SCHEDULE_STATEMENTS);
  const definition: ScheduleDefinition = {
    ...{ name: 'yearly', timing: { every: EVERY_SECONDS }, catchUp: 'all', version: 1, payload: () => ({}) },
    ...schedule,
  };
  const disturbances: Disturbance[] = ['none', 'none'];
  const schedulers = disturbances.map((_, which) => {
    const ledger: SchedulerParts['ledger'] = {
      query: async (text, values, limit) => {
        const answer = await parts.ledger.query<never>(text, values, limit);
        if (text === known && disturbances[which] === 'is overtaken by the other') await other(which).look();
        return answer;
      },
    };
    const transaction: SchedulerParts['acceptor']['transaction'] = async (fn) => {
      const answer = await parts.acceptor.transaction(async (tx) => {
        const settled = await fn(tx);
        if (disturbances[which] === 'dies before its commit') throw new Error('died');
        return settled;
      });
      if (disturbances[which] === 'dies after its commit') throw new Error('died');
      return answer;
    };
    const within: SchedulerParts['acceptor']['within'] = (...given) => parts.acceptor.within(...given);
    return new Scheduler([definition], { ledger, acceptor: { transaction, within }, logger: parts.logger });
  });
  const other = (which: number): Scheduler => schedulers[1 - which]!;
  return {
    begin: async () => {
      await fixture.pool.query('delete from holdfast.schedule_tick; delete from holdfast.schedule');
      await schedulers[0]!.look();
    },
    pass: async (ticks) => {
      for (const [table, columns] of Object.entries({
        schedule: ['watermark', 'next_at'],
        schedule_tick: ['tick_at'],
      })) {
        const earlier = columns.map((column) => `${column} = ${column} - make_interval(secs => $1)`).join();
        // By way of moments between ticks: a unique index is checked row by row.
        for (const seconds of [ticks * EVERY_SECONDS + HALF, -HALF])
          await fixture.pool.query(`update holdfast.${table} set ${earlier}`, [seconds]);
      }
    },
    look: async (which, disturbance) => {
      disturbances[which] = disturbance;
      await schedulers[which]!.look();
      disturbances[which] = 'none';
    },
  };
}
