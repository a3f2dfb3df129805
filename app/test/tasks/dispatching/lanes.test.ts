import { PRIORITIES } from '../../../src/tasks';
import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

describe('lanes', () => {
  let fixture: DispatchFixture;
  const keysOf = (epoch: string): Promise<string[]> => fixture.redis.keys(`*${epoch}*`);

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(25) });
    await fixture.look();
  });
  afterEach(() => fixture.close());

  it('are one list for each queue and priority, named with one hash tag of the ledger’s epoch', async () => {
    const relay = fixture.startRelay(['mail']);
    await until('the lists of the other queue are filled', () =>
      fixture.redis.exists(fixture.keys.generation('mail')).then(Boolean),
    );
    await relay.stop();
    const lanes = ['default', 'mail'].flatMap((queue) =>
      PRIORITIES.map((name, priority) => ({ queue, name, priority })),
    );
    for (const { queue, name } of lanes) await fixture.tasks.accept(note, { n: 0 }, { queue, priority: name });
    await until('all are dispatched', () => fixture.tasks.metrics().dispatched === lanes.length);
    for (const lane of lanes) expect(await fixture.list(lane)).toEqual(await fixture.due(lane));

    const names = (await keysOf(fixture.epoch)).sort();
    const tag = `{holdfast:${fixture.epoch}}`;
    expect(names).toEqual(
      [
        ...lanes.map(({ queue, priority }) => `${tag}:lane:${queue}:${priority}`),
        ...['default', 'mail'].map((queue) => `${tag}:generation:${queue}`),
      ].sort(),
    );
  });

  it('of two ledgers on one Redis have nothing in common', async () => {
    const other = await dispatchFixture({ redisUrl: redisUrl(25) });
    try {
      await other.look();
      await other.tasks.accept(note, { n: 1 });
      await until('the other’s task is dispatched', async () => (await other.list()).length === 1);
      await fixture.look();
      expect(await fixture.list()).toEqual([]);
      expect((await keysOf(fixture.epoch)).filter((key) => key.includes(other.epoch))).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('are only filled with tasks that some living worker can run', async () => {
    const [unknown, known] = await fixture.insert(2);
    await fixture.rows(`update holdfast.task set version = 2 where id = $1`, [unknown]);
    await fixture.look();
    expect(await fixture.list(NOTES)).toEqual([known]);
    await fixture.rows(
      `insert into holdfast.worker (id, host, pid, queues, kinds, concurrency)
       values (gen_random_uuid(), 'test', 0, array['default'], array['note@2'], 1)`,
    );
    await fixture.look();
    expect((await fixture.list(NOTES)).sort()).toEqual([unknown, known].sort());
  });
});
