import { Turns } from '../../src/posters/turns';

describe('turns', () => {
  const never = new AbortController().signal;

  function work(): { readonly done: Promise<void>; end(): void } {
    let end = (): void => undefined;
    const done = new Promise<void>((resolve) => (end = resolve));
    return { done, end: () => end() };
  }

  test('waiting for one obeys the signal, and the next still waits for the one before', async () => {
    const turns = new Turns();
    const first = work();
    const order: string[] = [];
    const one = turns.take(never, () => first.done.then(() => order.push('first')));
    const cancelled = new AbortController();
    const two = turns.take(cancelled.signal, () => Promise.resolve(order.push('second')));
    const three = turns.take(never, () => Promise.resolve(order.push('third')));
    cancelled.abort(new Error('cancelled'));
    await expect(two).rejects.toThrow('cancelled');
    expect(order).toEqual([]);
    first.end();
    await Promise.all([one, three]);
    expect(order).toEqual(['first', 'third']);
  });

  test('work that fails gives its turn away', async () => {
    const turns = new Turns();
    await expect(turns.take(never, () => Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
    expect(await turns.take(never, () => Promise.resolve('next'))).toBe('next');
    await expect(turns.take(AbortSignal.abort(new Error('late')), () => Promise.resolve())).rejects.toThrow('late');
  });
});
