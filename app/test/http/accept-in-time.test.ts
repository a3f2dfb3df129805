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

test.each(['40001', '40P01'])(
  'a transaction that PostgreSQL undid for the sake of others (%s) is made again, a few times',
  async (code) => {
    const test_ = await startTestApp();
    const attempts = async (): Promise<number> => {
      const { rows } = await test_.database.query<{ last_value: string }>('select last_value from attempt');
      return Number(rows[0]?.last_value);
    };
    const failUpTo = (attempt: number): Promise<unknown> =>
      test_.database.query(`
        drop sequence if exists attempt;
        create sequence attempt;
        create or replace function fail() returns trigger language plpgsql as $$
          begin
            if nextval('attempt') <= ${attempt} then raise exception 'in the way' using errcode = '${code}'; end if;
            return null;
          end $$;
        create or replace trigger fail after insert on holdfast.task for each statement execute function fail()`);
    const accept = (): Promise<string> =>
      acceptInTime(test_.tasks, async (tx) => {
        const { id } = await test_.tasks.accept(tx, probe, { runMs: 0, failTimes: 0 });
        return { taskId: id, answer: id };
      });
    try {
      await failUpTo(2);
      const id = await accept();
      expect(await attempts()).toBe(3);
      expect((await test_.tasks.list()).items.map((task) => task.id)).toEqual([id]);

      await failUpTo(1_000);
      await expect(accept()).rejects.toMatchObject({ code });
      expect(await attempts()).toBe(5);
      expect((await test_.tasks.list()).items).toHaveLength(1);
    } finally {
      await test_.close();
    }
  },
);
