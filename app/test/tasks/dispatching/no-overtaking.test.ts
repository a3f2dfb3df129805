import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

const WINDOW = 100;

describe('tasks of an overflowing lane do not overtake each other', () => {
  let fixture: DispatchFixture;

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(22), window: WINDOW });
  });
  afterEach(() => fixture.close());

  /** Takes ids from the list as workers do, and finishes those that are tasks. */
  async function take(count: number): Promise<string[]> {
    const ids = (await fixture.redis.lpop(fixture.keys.list(NOTES), count)) ?? [];
    await fixture.finish(ids);
    return ids;
  }

  it('when refills and looks take turns while the list is drained: the order is the ledger’s from first to last', async () => {
    await fixture.insert(WINDOW * 5);
    const expected = await fixture.due();
    await fixture.look();
    const taken: string[] = [];
    for (let round = 1; round <= 40 && taken.length < expected.length; round += 1) {
      taken.push(...(await take(37)));
      await fixture.refill();
      if (round % 4 === 0) await fixture.look();
    }
    expect(taken).toEqual(expected);
  });

  it('when new ones are accepted during the drain: they come after all that were accepted before', async () => {
    await fixture.look();
    const accept = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) await fixture.tasks.acceptMany(note, [{ n }, { n }, { n }]);
    };
    await accept(50);
    const taken: string[] = [];
    for (let round = 1; round <= 40 && taken.length < 300; round += 1) {
      taken.push(...(await take(29)));
      if (round === 3) await accept(50);
      await fixture.refill();
      await fixture.look();
    }
    const all = await fixture.rows<{ id: string }>('select id from holdfast.task order by run_at, id');
    expect(taken).toEqual(all.map(({ id }) => id));
  });

  it('when refills alone have to keep up between two looks', async () => {
    await fixture.insert(WINDOW * 10);
    const expected = await fixture.due();
    await fixture.look();
    const taken: string[] = [];
    for (let round = 1; round <= 40 && taken.length < expected.length; round += 1) {
      taken.push(...(await take(WINDOW)));
      await fixture.refill();
    }
    expect(taken).toEqual(expected);
  });

  it('when ids of the past take up part of the list: what found no room is not skipped by the next refill', async () => {
    // Interleaving: the list holds stale ids, so the relay's push of the oldest tasks finds room for some of them only.
    const stale = await fixture.insert(40);
    await fixture.finish(stale);
    await fixture.insert(WINDOW * 3);
    const expected = await fixture.due();
    await fixture.look();
    await fixture.redis.del(fixture.keys.list(NOTES));
    await fixture.redis.rpush(fixture.keys.list(NOTES), ...stale);
    await fixture.look();
    const taken: string[] = [];
    for (let round = 1; round <= 40 && taken.length < expected.length + stale.length; round += 1) {
      taken.push(...(await take(60)));
      await fixture.refill();
    }
    expect(taken).toEqual([...stale, ...expected]);
  });

  it('when an acceptor leaves a task to the relay just before that lifts the mark: it is pushed in the same look', async () => {
    await fixture.insert(WINDOW + 10);
    await fixture.look();
    await take(WINDOW);
    const left: string[] = [];
    await fixture.look(async () => {
      if (left.length > 0) return;
      // Interleaving: committed after the relay has read what is due, dispatched while the lane is marked.
      left.push(...(await fixture.insert(1)));
      expect(await fixture.dispatch(left[0]!)).toBe('left');
    });
    // The mark is gone, so the next acceptor pushes by itself.
    const [next] = await fixture.insert(1);
    expect(await fixture.dispatch(next!)).toBe('pushed');
    expect((await fixture.list()).slice(-2)).toEqual([left[0], next]);
    expect(await fixture.list()).toEqual(await fixture.due());
  });

  it('when the lists came back from the past: the relay clears them before it hands over', async () => {
    const past = await fixture.insert(10);
    await fixture.look();
    await fixture.finish(past);
    await fixture.insert(10);
    const generation = fixture.keys.generation(NOTES.queue);
    const known = await fixture.redis.get(generation);
    await fixture.redis.set(generation, 'of the past');
    await fixture.look();
    expect(await fixture.list()).toEqual(await fixture.due());
    expect(await fixture.redis.get(generation)).not.toBe(known);
    expect(fixture.relayCounters.redisRebuilds).toBe(1);
  });

  it('when Redis was emptied: acceptors push nothing until the relay has handed over what is older', async () => {
    await fixture.insert(WINDOW * 2);
    await fixture.look();
    const expected = await fixture.due();
    const { keys, redis } = fixture;
    await redis.del(keys.list(NOTES), keys.overflow(NOTES), keys.generation(NOTES.queue));
    // Interleaving: the relay has seen the loss and waits for the ledger, whose table a third connection has locked,
    // when an acceptor that has just committed the newest task comes to push it.
    const gate = await fixture.connect();
    await gate.query('begin');
    await gate.query('lock table holdfast.task in access exclusive mode');
    const looking = fixture.look();
    await until('the relay waits for the ledger', async () => {
      const waiting = await fixture.rows(
        'select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
      );
      return waiting.length === 1;
    });
    expect(await fixture.dispatch(expected.at(-1)!)).toBe('left');
    await gate.query('commit');
    await looking;
    expect(await fixture.list()).toEqual(expected.slice(0, WINDOW));
  });
});
