import Redis from 'ioredis';
import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { LaneOrder } from '../../../src/tasks/claiming/lane-order';
import { Slots } from '../../../src/tasks/claiming/slots';
import { Taker } from '../../../src/tasks/claiming/taker';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { RedisKeys } from '../../../src/tasks/lanes';
import type { Lane } from '../../../src/tasks/lanes';
import type { Lease } from '../../../src/tasks/leases/lease';
import { Changes } from '../../../src/tasks/running/changes';
import type { Runner } from '../../../src/tasks/running/runner';
import { redisUrl } from '../../servers/databases';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { queueTasks, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const QUEUES = [
  { name: 'a', weight: 2 },
  { name: 'b', weight: 1 },
];
const NORMAL = 1;
const BULK = 3;
const TAKES = 30;
const nameOf = ({ queue, priority }: Lane): string => `${queue}${priority}`;
/** Two of a for one of b, and every tenth take begins at the lowest priority. */
const EXPECTED = 'a1 b1 a1 a1 b1 a1 a1 b1 a1 a3 b1 a1 a1 b1 a1 a1 b1 a1 a1 b3 a1 a1 b1 a1 a1 b1 a1 a1 b1 a3';

describe('queues are asked by their weights, and low priorities are not starved', () => {
  let fixture: LedgerFixture;
  let parts: TestParts;
  /** Ids of waiting tasks by their lanes, more than will be taken. */
  let ids: Map<string, string[]>;
  beforeEach(async () => {
    fixture = await ledgerFixture();
    parts = workerParts(fixture.url);
    ids = new Map();
    for (const { name: queue } of QUEUES) {
      for (const priority of [NORMAL, BULK]) {
        ids.set(nameOf({ queue, priority }), await queueTasks(fixture, 60, { queue, priority }));
      }
    }
  });
  afterEach(async () => {
    await parts.close();
    await fixture.drop();
  });

  it('by a worker that claims from PostgreSQL', async () => {
    const probe = defineTask({ name: 'probe', payload: z.looseObject({}) });
    const handlers = [handle(probe, () => Promise.resolve())];
    await parts.startWorker({ handlers, queues: QUEUES, concurrency: 1 });
    const started = () =>
      fixture.rows<Lane>('select queue, priority from holdfast.task where fence > 0 order by started_at');
    await until('enough have started', async () => (await started()).length >= TAKES);
    expect((await started()).slice(0, TAKES).map(nameOf).join(' ')).toBe(EXPECTED);
  });

  it('by a worker that takes from Redis, where the look at PostgreSQL in between is one of the turns', async () => {
    const url = redisUrl(61);
    const keys = new RedisKeys(fixture.epoch);
    const redis = new Redis(url);
    for (const [lane, some] of ids) {
      await redis.rpush(keys.list({ queue: lane.slice(0, 1), priority: Number(lane.slice(1)) }), ...some);
    }
    /** The lane that was served in each turn, from either source. */
    const served: string[] = [];
    let fromRedis = 0;
    const laneOf = (id: string | undefined): string =>
      [...ids].find(([, some]) => id !== undefined && some.includes(id))?.[0] ?? 'none';
    class TellingRedis extends RedisConnection {
      override async take(...given: Parameters<RedisConnection['take']>): Promise<string[]> {
        const taken = await super.take(...given);
        served.push(laneOf(taken[0]));
        fromRedis += 1;
        return taken;
      }
    }
    class TellingClaimer extends Claimer {
      override async oldest(...given: Parameters<Claimer['oldest']>): ReturnType<Claimer['oldest']> {
        const claimed = await super.oldest(...given);
        served.push(laneOf(claimed[0]?.id));
        return claimed;
      }
    }
    const connection = new TellingRedis(url, { name: 'take', silenceMs: 2_000, logger: parts.logger });
    await until('Redis answers', () => connection.ready);
    const changes = new Changes();
    // Whatever is started has ended at once.
    const runner = {
      free: 1,
      start: () => undefined,
      notify: () => changes.notify(),
      changed: () => changes.next(),
    } as unknown as Runner;
    const worker = await workerRow(fixture, ['probe@1'], ['a', 'b']);
    const taker = new Taker({
      redis: connection,
      keys,
      claimer: new TellingClaimer(parts.ledger, ['probe@1'], ['a', 'b']),
      order: new LaneOrder(QUEUES),
      lease: { valid: true, id: worker } as unknown as Lease,
      runner,
      slots: new Slots(runner),
      closed: () => new Set(),
      counters: parts.counters,
      logger: parts.logger,
      giveBack: () => Promise.resolve(),
    });
    taker.start();
    await until('enough takes', () => served.length >= TAKES);
    await taker.stop();
    redis.disconnect();
    expect(served.slice(0, TAKES).join(' ')).toBe(EXPECTED);
    expect(fromRedis).toBeGreaterThan(TAKES / 2);
  });
});
