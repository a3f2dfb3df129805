import { lossFixture } from '../support/loss-fixture';
import type { LossFixture } from '../support/loss-fixture';
import { NOTES } from '../support/dispatch-fixture';

describe('everything due is in the lists again within seconds', () => {
  let fixture: LossFixture;
  const lane = (): string => fixture.keys.list(NOTES);
  const generation = (): string => fixture.keys.generation(NOTES.queue);

  beforeEach(async () => {
    fixture = await lossFixture();
    await fixture.fill();
  });
  afterEach(() => fixture.close());

  it('after FLUSHALL', async () => {
    await fixture.redis.flushall();
    await fixture.expectRebuilt();
  });

  it('after kill -9 and an empty restart', async () => {
    await fixture.server.kill();
    await fixture.server.restart();
    await fixture.expectRebuilt();
  });

  it('after a restart from an old snapshot, and ids of the past are gone from them', async () => {
    await fixture.redis.save();
    const mark = await fixture.redis.get(generation());
    const done = await fixture.goOn();
    await fixture.unplug();
    await fixture.server.kill();
    await fixture.server.restart();
    // The past is back: tasks that are done, under the generation that the relay knows.
    const restored = fixture.direct(fixture.server.port);
    expect(await restored.lrange(lane(), 0, 5)).toEqual(done);
    expect(await restored.get(generation())).toBe(mark);
    fixture.line.pointTo(fixture.server.port);
    await fixture.expectRebuilt();
  });

  it.each([
    ['with an old snapshot', () => fixture.redis.save().then(() => fixture.goOn())],
    ['and is empty', () => Promise.resolve()],
  ])('after Redis was away until nobody led its queue any more, and comes back %s', async (_, before) => {
    await before();
    await fixture.unplug();
    await fixture.server.kill();
    await fixture.server.restart();
    await fixture.nobodyLeads();
    fixture.line.pointTo(fixture.server.port);
    await fixture.expectRebuilt();
  });

  it('after a clean restart with its data saved', async () => {
    await fixture.goOn();
    const list = await fixture.list();
    await fixture.redis.save();
    await fixture.unplug();
    await fixture.server.stop();
    await fixture.server.restart();
    expect(await fixture.direct(fixture.server.port).lrange(lane(), 0, -1)).toEqual(list);
    fixture.line.pointTo(fixture.server.port);
    await fixture.expectRebuilt();
  });

  it('after Redis was away for a while and comes back with everything: only what is missing is handed over', async () => {
    await fixture.unplug();
    await fixture.insert(5);
    fixture.line.pointTo(fixture.server.port);
    await fixture.expectComplete();
    expect(fixture.relayCounters.redisRebuilds).toBe(0);
  });
});
