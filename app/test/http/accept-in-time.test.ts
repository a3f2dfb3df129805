import { acceptInTime } from '../../src/http/accept-in-time';
import { probe } from '../../src/probes/probe.task';
import { startTestApp } from './test-app';

test('what is accepted after the caller was told that it was not is rolled back', async () => {
  const test_ = await startTestApp();
  try {
    let goOn = (): void => undefined;
    const paused = new Promise<void>((resolve) => (goOn = resolve));
    let ended: Promise<unknown> = Promise.resolve();
    const tasks = {
      get: (id: string) => test_.tasks.get(id),
      transaction: <T>(fn: Parameters<typeof test_.tasks.transaction<T>>[0]): Promise<T> => {
        const work = test_.tasks.transaction(fn);
        ended = work.catch((error: unknown) => error);
        return work;
      },
    };
    const late = acceptInTime(tasks, async (tx) => {
      const { id } = await test_.tasks.accept(tx, probe, { runMs: 0, failTimes: 0 });
      await paused;
      return { taskId: id, answer: id };
    });
    await expect(late).rejects.toMatchObject({
      status: 503,
      detail: 'The database did not answer in time; nothing was accepted. Try again.',
    });
    goOn();
    expect(await ended).toMatchObject({ name: 'DeadlineError' });
    expect((await test_.tasks.list()).items).toEqual([]);
  } finally {
    await test_.close();
  }
});
