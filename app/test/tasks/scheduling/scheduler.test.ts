import { createTasks, defineSchedule } from '../../../src/tasks';
import { recordingLogger } from '../support/recording-logger';
import { minutely, report, scheduleFixture } from '../support/schedule-fixture';
import type { ScheduleFixture } from '../support/schedule-fixture';
import { until } from '../support/until';

describe('a scheduler', () => {
  let fixture: ScheduleFixture;
  beforeEach(async () => {
    fixture = await scheduleFixture();
    await fixture.setClock('2026-06-01T12:00:30Z');
  });
  afterEach(() => fixture.drop());

  it('catches nothing up from before a schedule existed', async () => {
    const { settle } = fixture.scheduler(minutely('a', { catchUp: 'all' }));
    await settle();
    await fixture.setClock('2026-06-01T12:00:59.999Z');
    await settle();
    expect(await fixture.ticks('a')).toEqual([]);
    await fixture.setClock('2026-06-01T12:01:00Z');
    await settle();
    expect(await fixture.ticks('a')).toEqual(['2026-06-01T12:01:00.000Z']);
  });

  it('that was down catches up with all, the latest or no ticks, as each schedule says', async () => {
    const all = (['all', 'latest', 'none'] as const).map((catchUp) => minutely(catchUp, { catchUp }));
    await fixture.scheduler(...all).settle();
    await fixture.setClock('2026-06-01T12:05:30Z');
    const after = fixture.scheduler(...all);
    await after.settle();
    const minute = (n: number) => `2026-06-01T12:0${n}:00.000Z`;
    expect(await fixture.ticks('all')).toEqual([1, 2, 3, 4, 5].map(minute));
    expect(await fixture.ticks('latest')).toEqual([minute(5)]);
    // Half a minute late is no more than a late look; older ones are left out.
    expect(await fixture.ticks('none')).toEqual([minute(5)]);
    await fixture.setClock('2026-06-01T12:06:00Z');
    await after.settle();
    for (const { name } of all) expect((await fixture.ticks(name)).at(-1)).toBe(minute(6));
  });

  it('with `none` accepts no tick that is older than a minute', async () => {
    const daily = minutely('a', { catchUp: 'none', timing: { cron: '0 13 * * *', zone: 'UTC' } });
    await fixture.scheduler(daily).settle();
    await fixture.setClock('2026-06-01T13:01:00.001Z');
    const { settle, parts } = fixture.scheduler(daily);
    await settle();
    expect(await fixture.ticks('a')).toEqual([]);
    expect(parts.logger.saying('missed')).toMatchObject([{ level: 'warn', fields: { leftOut: 1, accepted: 0 } }]);
  });

  it('with `all` accepts at most the last 100 ticks and logs how many it leaves out', async () => {
    const both = [
      minutely('every', { catchUp: 'all' }),
      minutely('cron', { catchUp: 'all', timing: { cron: '* * * * *', zone: 'UTC' } }),
    ];
    await fixture.scheduler(...both).settle();
    await fixture.setClock('2026-06-01T16:10:00Z');
    const { settle, parts } = fixture.scheduler(...both);
    await settle();
    for (const name of ['every', 'cron']) {
      const ticks = await fixture.ticks(name);
      expect(ticks).toHaveLength(100);
      expect([ticks[0], ticks[99]]).toEqual(['2026-06-01T14:31:00.000Z', '2026-06-01T16:10:00.000Z']);
    }
    expect(parts.logger.saying('missed').map(({ fields }) => fields)).toEqual([
      { schedule: 'every', leftOut: 150, accepted: 100, catchUp: 'all' },
      { schedule: 'cron', leftOut: 150, accepted: 100, catchUp: 'all' },
    ]);
  });

  it('accepts nothing again when the clock of the database goes back', async () => {
    const { settle } = fixture.scheduler(minutely('a', { catchUp: 'all' }));
    await settle();
    for (const clock of ['12:01:00', '11:00:00', '12:00:59', '12:01:59', '12:02:00']) {
      await fixture.setClock(`2026-06-01T${clock}Z`);
      await settle();
    }
    expect(await fixture.ticks('a')).toEqual(['2026-06-01T12:01:00.000Z', '2026-06-01T12:02:00.000Z']);
  });

  it.each([-3_600_000, 3_600_000])(
    'goes by the clock of the database, not by one that is wrong by %d ms',
    async (wrong) => {
      const { settle } = fixture.scheduler(minutely('a', { catchUp: 'all' }));
      await settle();
      const notFaked = [
        'nextTick',
        'setImmediate',
        'clearImmediate',
        'setTimeout',
        'clearTimeout',
        'setInterval',
      ] as const;
      jest.useFakeTimers({
        now: Date.parse('2026-06-01T12:01:00Z') + wrong,
        doNotFake: [...notFaked, 'clearInterval', 'performance', 'hrtime', 'queueMicrotask'],
      });
      try {
        await settle();
        expect(await fixture.accepted()).toEqual([]);
        await fixture.setClock('2026-06-01T12:01:00Z');
        await settle();
        expect(await fixture.accepted()).toEqual(['2026-06-01T12:01:00.000Z']);
      } finally {
        jest.useRealTimers();
      }
    },
  );

  it('holds a tick back whose payload cannot be made, says so once, and goes on with the others', async () => {
    let broken = true;
    const payload = (tick: Date) => {
      if (broken) throw new Error('no payload today');
      return { of: tick.toISOString() };
    };
    const { scheduler, parts, settle } = fixture.scheduler(minutely('broken', { payload }), minutely('sound'));
    await settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    for (let looks = 0; looks < 3; looks += 1) await scheduler.look();
    expect(await fixture.ticks('sound')).toHaveLength(1);
    expect(parts.logger.saying('cannot be accepted')).toMatchObject([
      { level: 'error', fields: { schedule: 'broken', reason: 'no payload today' } },
    ]);
    broken = false;
    await settle();
    expect(await fixture.ticks('broken')).toEqual(['2026-06-01T12:01:00.000Z']);
  });

  it('passes queue, priority and attempts on', async () => {
    const options = { queue: 'mail', priority: 'bulk', attempts: 2 } as const;
    const schedule = defineSchedule({ name: 'a', task: report, payload: { of: 'x' }, every: 60, ...options });
    const { settle } = fixture.scheduler(schedule);
    await settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    await settle();
    expect(await fixture.rows('select name, queue, priority, max_attempts, state from holdfast.task')).toEqual([
      { name: 'report', queue: 'mail', priority: 3, max_attempts: 2, state: 'queued' },
    ]);
  });

  it('runs by itself until it is stopped, and the list shows the last and the next tick', async () => {
    const tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
    const running = tasks.startScheduler({ schedules: [minutely('a', { timing: { every: 1 } })] });
    await until('it ticks', async () => (await fixture.ticks('a')).length >= 2);
    await running.stop();
    const ticks = await fixture.ticks('a');
    const [status] = await tasks.schedules();
    const [row] = await fixture.rows<{ uuid: string }>('select uuid from holdfast.task order by id desc limit 1');
    const last = new Date(ticks.at(-1)!);
    expect(status).toEqual({
      ...{ name: 'a', task: 'report', queue: 'default', version: 1, every: 1, cron: null, zone: null },
      catchUp: 'latest',
      last: { tickAt: last, taskId: row!.uuid, acceptedAt: expect.any(Date) as unknown, state: 'queued' },
      nextAt: new Date(last.getTime() + 1_000),
      leftAt: null,
    });
    await tasks.close();
  });

  it('waits for a PostgreSQL that is not migrated yet', async () => {
    await fixture.rows('alter table holdfast.schedule rename to not_yet');
    const logger = recordingLogger();
    const tasks = createTasks({ postgres: { connectionString: fixture.url }, logger });
    tasks.startScheduler({ schedules: [minutely('a')] });
    await until('it has looked', () => logger.saying('could not look').length > 0);
    await fixture.rows('alter table holdfast.not_yet rename to schedule');
    await until('it has begun', async () => (await tasks.schedules()).length === 1);
    await tasks.close();
  });
});
