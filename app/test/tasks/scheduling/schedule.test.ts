import { createTasks, defineSchedule, DefinitionError } from '../../../src/tasks';
import type { ScheduleProps } from '../../../src/tasks';
import { recordingLogger } from '../support/recording-logger';
import { report } from '../support/schedule-fixture';

const define = (props: object): unknown =>
  defineSchedule({ name: 'daily', task: report, payload: { of: 'today' }, ...props } as ScheduleProps<typeof report>);

describe('a schedule', () => {
  it('ticks in UTC, catches up with the latest tick and is of version 1 unless told otherwise', () => {
    expect(define({ cron: '0 3 * * *' })).toMatchObject({
      timing: { cron: '0 3 * * *', zone: 'UTC' },
      catchUp: 'latest',
      version: 1,
    });
  });

  it.each([
    [{ name: 'A', every: 1 }, /^schedule 'A': name is "A"; allowed is lower-case/],
    [{}, /every is null; allowed is a number of seconds, or `cron` instead$/],
    [{ every: 0 }, /every is 0; allowed is a whole number of seconds from 1 to 31622400$/],
    [{ every: 1.5 }, /every is 1\.5; /],
    [{ every: NaN }, /every is NaN; /],
    [{ every: 60, cron: '* * * * *' }, /cron is "\* \* \* \* \*"; allowed is nothing beside `every`$/],
    [{ every: 60, zone: 'UTC' }, /zone is "UTC"; allowed is nothing beside `every`, which knows no zones$/],
    [
      { cron: '0 3 * * *', zone: 'Europe/Bonn' },
      /zone is "Europe\/Bonn"; allowed is an IANA name such as Europe\/Berlin or UTC$/,
    ],
    [{ cron: '0 3 * * *', zone: '+02:00' }, /zone is "\+02:00"; /],
    [{ cron: '' }, /cron is ""; allowed is five fields: minute, hour, day of month, month, day of week$/],
    [{ cron: '0 0 3 * * *' }, /cron is "0 0 3 \* \* \*"; allowed is five fields: /],
    [{ cron: '@daily' }, /cron is "@daily"; allowed is five fields: /],
    [{ cron: '2026-01-01T00:00:00' }, /allowed is five fields: /],
    [
      { cron: '61 * * * *' },
      /cron is "61 \* \* \* \*"; allowed is five fields as of cron \(Invalid value for minute: 61\)$/,
    ],
    [{ cron: '0 0 30 2 *' }, /cron is "0 0 30 2 \*"; allowed is a time that comes at least once$/],
    [{ every: 60, catchUp: 'some' }, /catchUp is "some"; allowed is one of all, latest, none$/],
    [{ every: 60, version: 0 }, /version is 0; allowed is a whole number from 1 to 32767$/],
    [{ every: 60, queue: 'Mail' }, /queue is "Mail"; /],
    [{ every: 60, priority: 'urgent' }, /priority is "urgent"; allowed is one of high, normal, low, bulk$/],
    [{ every: 60, attempts: 0 }, /attempts is 0; allowed is a whole number from 1 to 100$/],
    [{ every: 60, payload: { of: 1 } }, /payload\.of is \{"of":1\}; allowed is what task 'report' takes \(/],
  ])('%j is refused with the field, the value and what is allowed', (props, message) => {
    expect(() => define(props)).toThrow(DefinitionError);
    expect(() => define(props)).toThrow(message);
  });

  it('has a name of its own in its scheduler', async () => {
    const tasks = createTasks({
      postgres: { connectionString: 'postgres://nobody@127.0.0.1:1/x' },
      logger: recordingLogger(),
    });
    const schedule = defineSchedule({ name: 'daily', task: report, payload: { of: 'x' }, every: 60 });
    expect(() => tasks.startScheduler({ schedules: [schedule, schedule] })).toThrow(
      new DefinitionError('scheduler', 'schedules', 'daily', 'one schedule of each name'),
    );
    await tasks.close();
    expect(() => tasks.startScheduler({ schedules: [] })).toThrow('startScheduler: the task engine is closed');
  });
});
