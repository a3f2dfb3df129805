import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';

const WINDOW = 100;

describe('a task whose transaction commits late is found although its id is lower than what was seen before', () => {
  let fixture: DispatchFixture;

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(24), window: WINDOW });
  });
  afterEach(() => fixture.close());

  /** Accepts the oldest task of all in a transaction that stays open; the answer commits it and says its id. */
  async function acceptLate(): Promise<() => Promise<string>> {
    const client = await fixture.connect();
    await client.query('begin');
    const { id: uuid } = await fixture.tasks.accept(client, note, { n: 0 }, { runAt: new Date(0) });
    return async () => {
      await client.query('commit');
      return (await fixture.rows<{ id: string }>('select id from holdfast.task where uuid = $1', [uuid]))[0]!.id;
    };
  }

  it('when all later ones are done', async () => {
    const commit = await acceptLate();
    const later = await fixture.insert(10);
    await fixture.look();
    expect(await fixture.list()).toEqual(later);
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), 10))!);
    await fixture.look();
    const late = await commit();
    expect(Number(late)).toBeLessThan(Number(later[0]));
    await fixture.look();
    expect(await fixture.list()).toEqual([late]);
  });

  it('when later ones wait in the list', async () => {
    const commit = await acceptLate();
    const later = await fixture.insert(10);
    await fixture.look();
    const late = await commit();
    await fixture.look();
    expect(await fixture.list()).toEqual([...later, late]);
  });

  it('when the lane overflows and refills have gone past it', async () => {
    const commit = await acceptLate();
    await fixture.insert(WINDOW * 3);
    await fixture.look();
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), 80))!);
    await fixture.refill();
    const late = await commit();
    // The list is full, so there is no room for it yet; nor do refills stop because of it.
    await fixture.look();
    expect(await fixture.list()).not.toContain(late);
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), 60))!);
    await fixture.refill();
    expect(await fixture.list()).toHaveLength(WINDOW);
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), 10))!);
    await fixture.look();
    expect(await fixture.list()).toContain(late);
  });
});
