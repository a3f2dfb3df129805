import { Batcher } from '../../src/tasks/batcher';
import { until } from './support/until';

/** A batch that is under way until the test lets it end. */
interface Call {
  readonly items: readonly number[];
  end(results: readonly string[]): void;
  fail(error: Error): void;
}

describe('a batcher', () => {
  let calls: Call[];
  const run = (items: readonly number[]): Promise<readonly string[]> =>
    new Promise((end, fail) => calls.push({ items, end, fail }));
  const add = (batcher: Batcher<number, string>, items: readonly number[]): Promise<string>[] =>
    items.map((item) => batcher.add(item));
  const called = (count: number): Promise<true> =>
    until(`${count} batches are under way`, () => calls.length === count);
  const answers = (items: readonly number[]): string[] => items.map((item) => `answer ${item}`);

  beforeEach(() => (calls = []));

  it('gives each caller the result of its own item, whatever order the batches end in', async () => {
    const batcher = new Batcher(run, { maxItems: 2, parallel: 2 });
    const results = Promise.all(add(batcher, [1, 2, 3, 4]));
    await called(2);
    expect(calls.map((call) => call.items)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    calls[1]!.end(answers([3, 4]));
    calls[0]!.end(answers([1, 2]));
    expect(await results).toEqual(answers([1, 2, 3, 4]));
  });

  it('hands over together what was added while the batches before were under way, never more at once than allowed', async () => {
    const batcher = new Batcher(run, { maxItems: 3, parallel: 1 });
    const first = batcher.add(1);
    await called(1);
    const rest = Promise.all(add(batcher, [2, 3, 4, 5]));
    expect(batcher.size).toBe(5);
    // Everything that the event loop has to do is done; had a second batch been allowed, it would be under way.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(calls.map((call) => call.items)).toEqual([[1]]);
    calls[0]!.end(answers([1]));
    await called(2);
    expect(calls[1]!.items).toEqual([2, 3, 4]);
    calls[1]!.end(answers([2, 3, 4]));
    await called(3);
    expect(calls[2]!.items).toEqual([5]);
    calls[2]!.end(answers([5]));
    expect([await first, ...(await rest)]).toEqual(answers([1, 2, 3, 4, 5]));
    expect(batcher.size).toBe(0);
  });

  it('tells an error to every item of its batch and to no other, and goes on', async () => {
    const batcher = new Batcher(run, { maxItems: 2, parallel: 1 });
    const settled = Promise.allSettled(add(batcher, [1, 2, 3]));
    await called(1);
    const error = new Error('the first batch failed');
    calls[0]!.fail(error);
    await called(2);
    calls[1]!.end(answers([3]));
    expect(await settled).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: 'answer 3' },
    ]);
    expect(batcher.size).toBe(0);
  });

  it('does not lose its place when a batch throws before it is under way', async () => {
    let throws = true;
    const batcher = new Batcher<number, number>(
      (items) => {
        if (throws) throw new Error('not even begun');
        return Promise.resolve(items);
      },
      { maxItems: 10, parallel: 1 },
    );
    await expect(batcher.add(1)).rejects.toThrow('not even begun');
    throws = false;
    expect(await batcher.add(2)).toBe(2);
  });

  it('waits for no timer', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      // No faked timer ever fires, so this ends only when none is needed.
      const batcher = new Batcher((items: readonly number[]) => Promise.resolve(answers(items)), {
        maxItems: 2,
        parallel: 1,
      });
      expect(await Promise.all(add(batcher, [1, 2, 3, 4, 5]))).toEqual(answers([1, 2, 3, 4, 5]));
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });
});
