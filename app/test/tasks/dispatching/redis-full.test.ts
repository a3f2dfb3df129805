import { inspect } from 'node:util';
import type { RedisServer } from '../../../local/servers/redis-server';
import { startPrivateRedis } from '../../servers/private-servers';
import { countedWorker } from '../support/counted-worker';
import { dispatchFixture, note } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

describe('while Redis is full and refuses writes', () => {
  let redis: RedisServer;
  let fixture: DispatchFixture;

  beforeEach(async () => {
    redis = await startPrivateRedis();
    fixture = await dispatchFixture({ redisUrl: redis.url, heartbeatSeconds: 0.2 });
  });
  afterEach(async () => {
    await fixture.close();
    await redis.stop();
  });

  it('accepting and working go on through PostgreSQL, and through Redis again when there is room', async () => {
    const worker = await countedWorker(fixture, 4);
    worker.open();
    await throughRedis(1);
    await done();

    // One byte: whatever would take memory is refused from here on.
    await fixture.redis.config('SET', 'maxmemory', '1');
    const before = fixture.tasks.metrics();
    // Fifty rounds of four slots: did each of them wait a second for a list that stays empty, this would take a minute.
    for (let n = 0; n < 200; n += 1) await fixture.tasks.accept(note, { n });
    await done();
    const after = fixture.tasks.metrics();
    expect(after).toMatchObject({ dispatched: before.dispatched!, claimedFromRedis: before.claimedFromRedis! });
    expect(after.claimedFromPostgres! - before.claimedFromPostgres!).toBe(200);
    await until('Redis has refused a write', () =>
      fixture.logger.lines.some((line) => inspect(line.fields.err).includes('OOM')),
    );
    expect(fixture.tasks.redisReachable()).toBe(true);
    await until('the worker says that it draws from PostgreSQL', async () => {
      const [row] = await fixture.rows<{ source: string }>('select source from holdfast.worker where id = $1', [
        worker.worker.id,
      ]);
      return row!.source === 'postgres';
    });

    await fixture.redis.config('SET', 'maxmemory', '0');
    await throughRedis(after.claimedFromRedis! + 1);
    await done();
    const accepted = await fixture.rows<{ uuid: string }>('select uuid from holdfast.task');
    expect(await worker.effects()).toEqual(Object.fromEntries(accepted.map(({ uuid }) => [uuid, [1]])));
  });

  /** Accepts until so many tasks have come through Redis. */
  async function throughRedis(count: number): Promise<void> {
    await until('a task comes through Redis', async () => {
      await fixture.tasks.accept(note, { n: 0 });
      return fixture.tasks.metrics().claimedFromRedis! >= count;
    });
  }

  async function done(): Promise<void> {
    await until('every task is done', async () => {
      return (await fixture.rows('select from holdfast.task where finished_at is null')).length === 0;
    });
  }
});
