import { Changes } from '../../../src/tasks/running/changes';

describe('waiting for a change', () => {
  it('ends with it, for all who wait', async () => {
    const changes = new Changes();
    const waiting = [changes.next(), changes.within(60_000), changes.within(60_000)];
    changes.notify();
    await Promise.all(waiting);
    expect(changes.watched).toBe(0);
  });

  it('leaves nothing behind when it ends before, by time or by a signal, however often', async () => {
    const changes = new Changes();
    const stop = new AbortController();
    const stopped = changes.within(60_000, [stop.signal]);
    for (let n = 0; n < 100; n += 1) await changes.within(0, [stop.signal]);
    expect(changes.watched).toBe(1);
    stop.abort();
    await stopped;
    expect(changes.watched).toBe(0);
  });
});
