import { createTasks } from '../../../src/tasks';
import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

const WINDOW = 100;
const payloads = (count: number): { n: number }[] => Array.from({ length: count }, (_, n) => ({ n }));

describe('the window', () => {
  let fixture: DispatchFixture;
  const marked = async (): Promise<boolean> => (await fixture.redis.exists(fixture.keys.overflow(NOTES))) === 1;
  /** Every id that this process has accepted was handed over or left to the relay. */
  const settled = (count: number): Promise<true> =>
    until('the acceptor has tried to push', () => {
      const { dispatched = 0, dispatchSkipped = 0 } = fixture.tasks.metrics();
      return dispatched + dispatchSkipped === count;
    });

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(21), window: WINDOW });
  });
  afterEach(() => fixture.close());

  it('is never exceeded by acceptors, which mark the lane as overflowing instead', async () => {
    await fixture.look();
    await fixture.tasks.acceptMany(note, payloads(WINDOW - 1));
    await settled(WINDOW - 1);
    expect(await marked()).toBe(false);
    await fixture.tasks.acceptMany(note, payloads(50));
    await settled(WINDOW + 49);
    expect(await fixture.list()).toEqual((await fixture.due()).slice(0, WINDOW));
    expect(await marked()).toBe(true);
    expect(fixture.tasks.metrics()).toMatchObject({ dispatched: WINDOW, dispatchSkipped: 49 });
  });

  it('is filled only with what some living worker of the queue can run, whatever workers of other queues can', async () => {
    await fixture.rows(`update holdfast.worker set queues = '{elsewhere}'`);
    await fixture.insert(WINDOW);
    await fixture.look();
    expect(await fixture.list()).toEqual([]);
    await fixture.rows(`update holdfast.worker set queues = array[$1, 'elsewhere']`, [NOTES.queue]);
    await fixture.look();
    expect(await fixture.list()).toHaveLength(WINDOW);
  });

  it('is never exceeded by the relay, which marks the lane as overflowing as well', async () => {
    await fixture.insert(WINDOW * 3);
    await fixture.look();
    expect(await fixture.list()).toEqual((await fixture.due()).slice(0, WINDOW));
    expect(await marked()).toBe(true);
    await fixture.look();
    await fixture.refill();
    expect(await fixture.list()).toHaveLength(WINDOW);
  });

  it('keeps acceptors from pushing while the lane is marked, although its list has room again', async () => {
    await fixture.insert(WINDOW * 2);
    await fixture.look();
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), WINDOW / 2)) ?? []);
    await fixture.tasks.acceptMany(note, payloads(5));
    await settled(5);
    expect(fixture.tasks.metrics()).toMatchObject({ dispatched: 0, dispatchSkipped: 5 });
    expect(await fixture.list()).toHaveLength(WINDOW / 2);
  });

  it('keeps acceptors from pushing to lists that no relay has filled, and lets them as soon as one has', async () => {
    await fixture.tasks.acceptMany(note, payloads(5));
    await settled(5);
    expect(await fixture.list()).toEqual([]);
    await fixture.look();
    expect(await fixture.list()).toHaveLength(5);
    await fixture.tasks.accept(note, { n: 6 });
    await settled(6);
    expect(await fixture.list()).toEqual(await fixture.due());
    expect(fixture.tasks.metrics()).toMatchObject({ dispatched: 1, dispatchSkipped: 5 });
  });

  it('lets acceptors push again as soon as the ledger holds no more than it', async () => {
    await fixture.insert(WINDOW + 10);
    await fixture.look();
    await fixture.finish((await fixture.redis.lpop(fixture.keys.list(NOTES), 20)) ?? []);
    await fixture.look();
    expect(await marked()).toBe(false);
    expect(await fixture.list()).toEqual(await fixture.due());
    await fixture.tasks.accept(note, { n: 1 });
    await settled(1);
    expect(await fixture.list()).toEqual(await fixture.due());
    expect(fixture.tasks.metrics()).toMatchObject({ dispatched: 1 });
  });

  it('is one of each lane: an overflowing lane keeps no other from being filled', async () => {
    const urgent = { ...NOTES, priority: 0 };
    await fixture.insert(WINDOW * 2);
    await fixture.look();
    await fixture.tasks.accept(note, { n: 1 }, { priority: 'high' });
    await until('the urgent one is dispatched', async () => (await fixture.list(urgent)).length === 1);
    expect(await fixture.list()).toHaveLength(WINDOW);
  });

  it.each([-1, 99, 1_000_001, Number.NaN])('cannot be %p', (window) => {
    const { logger } = fixture;
    expect(() => createTasks({ postgres: {}, logger, window })).toThrow(
      `createTasks: window is ${window}; allowed is a number from 100 to 1000000`,
    );
  });
});
