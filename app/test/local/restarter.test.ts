import { createRestarter, pauseSeconds } from '../../local/restarter';

describe('a process that dies', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const setUp = (start: () => Promise<void>) => {
    const said: string[] = [];
    let now = 0;
    const restarter = createRestarter({ name: 'web', say: (line) => said.push(line), start, clock: () => now });
    return { said, restarter, pass: (seconds: number) => (now += seconds * 1000) };
  };

  it('is started again with a growing pause, and said so', async () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(pauseSeconds)).toEqual([0.5, 1, 2, 4, 8, 15, 15]);
    const start = jest.fn(() => Promise.resolve());
    const { said, restarter } = setUp(start);
    restarter.died('exit code 1');
    await jest.advanceTimersByTimeAsync(499);
    expect(start).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(start).toHaveBeenCalledTimes(1);
    restarter.died('signal SIGKILL');
    expect(said).toEqual([
      'web died (exit code 1); it is started again in 0.5 s.',
      'web died (signal SIGKILL); it is started again in 1 s.',
    ]);
    await restarter.cancel();
  });

  it('gets the short pause again after a minute without trouble', async () => {
    const { said, restarter, pass } = setUp(() => Promise.resolve());
    restarter.died('exit code 1');
    await jest.advanceTimersByTimeAsync(500);
    pass(61);
    restarter.died('exit code 1');
    expect(said.at(-1)).toContain('in 0.5 s');
    await restarter.cancel();
  });

  it('is tried again when the restart itself fails', async () => {
    const start = jest.fn<Promise<void>, []>().mockRejectedValueOnce(new Error('no memory')).mockResolvedValue();
    const { said, restarter } = setUp(start);
    restarter.died('exit code 1');
    await jest.advanceTimersByTimeAsync(2_000);
    expect(start).toHaveBeenCalledTimes(2);
    expect(said.at(-1)).toBe('web died (no memory); it is started again in 1 s.');
  });

  it('stays down once the run is being stopped', async () => {
    const start = jest.fn(() => Promise.resolve());
    const { restarter } = setUp(start);
    restarter.died('exit code 1');
    await restarter.cancel();
    restarter.died('signal SIGTERM');
    await jest.advanceTimersByTimeAsync(60_000);
    expect(start).not.toHaveBeenCalled();
  });
});
