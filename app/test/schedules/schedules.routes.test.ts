import { schedulesOf } from '../../src/schedules/schedules';
import { defineSchedule } from '../../src/tasks';
import { probe } from '../../src/probes/probe.task';
import { ADMIN, eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

interface Answer {
  readonly schedules: readonly { readonly name: string; readonly last: unknown }[];
}

const NO_NEWS = { newsFeeds: [], newsSeconds: 300 };

describe('GET /api/schedules', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());
  const ask = async (headers: Record<string, string> = {}) =>
    (await test_.request({ method: 'GET', url: '/api/schedules', headers })).json<Answer>();

  test('shows none before a scheduler has run', async () => {
    expect(await ask()).toEqual({ schedules: [] });
  });

  test('shows each schedule with its last tick, the state of its task, and its next one; ids to administrators only', async () => {
    const often = defineSchedule({ name: 'often', task: probe, payload: { runMs: 0, failTimes: 0 }, every: 1 });
    const scheduler = test_.tasks.startScheduler({ schedules: [...schedulesOf(NO_NEWS), often] });
    const answer = await eventually(async () => {
      const found = await ask();
      return found.schedules.find(({ name }) => name === 'often')?.last == null ? undefined : found;
    }, 'it has ticked');
    await scheduler.stop();
    expect(answer.schedules).toEqual([
      {
        ...{ name: 'imports.sweep-uploads', task: 'imports.sweep-uploads', queue: 'default', version: 1 },
        ...{ every: null, cron: '17 3 * * *', zone: 'UTC', catchUp: 'latest', last: null, leftAt: null },
        nextAt: expect.stringMatching(/T03:17:00.000Z$/) as unknown,
      },
      {
        ...{ name: 'often', task: 'probes.run', queue: 'probes', version: 1 },
        ...{ every: 1, cron: null, zone: null, catchUp: 'latest', leftAt: null },
        last: {
          tickAt: expect.stringMatching(/:\d\d\.000Z$/) as unknown,
          acceptedAt: expect.any(String) as unknown,
          state: 'queued',
        },
        nextAt: expect.stringMatching(/:\d\d\.000Z$/) as unknown,
      },
      {
        ...{ name: 'posters.sweep', task: 'posters.sweep', queue: 'default', version: 1 },
        ...{ every: null, cron: '37 3 * * *', zone: 'UTC', catchUp: 'latest', last: null, leftAt: null },
        nextAt: expect.stringMatching(/T03:37:00.000Z$/) as unknown,
      },
      {
        ...{ name: 'reminders.accept-due', task: 'reminders.accept-due', queue: 'default', version: 1 },
        ...{ every: 60, cron: null, zone: null, catchUp: 'latest', leftAt: null },
        // A minute may have ended just now.
        last: answer.schedules.at(-1)!['last'],
        nextAt: expect.stringMatching(/:00\.000Z$/) as unknown,
      },
    ]);
    const [, administrators] = (await ask(ADMIN)).schedules;
    const { taskId } = administrators?.last as { taskId: string };
    expect(await test_.tasks.get(taskId)).toMatchObject({ name: 'probes.run' });
  });

  test('shows a schedule that left the code as such', async () => {
    const scheduler = test_.tasks.startScheduler({ schedules: schedulesOf(NO_NEWS) });
    const gone = await eventually(async () => {
      const found = (await ask()).schedules.find(({ name }) => name === 'often') as Record<string, unknown> | undefined;
      return found?.['leftAt'] === null ? undefined : found;
    }, 'it is marked');
    await scheduler.stop();
    expect(gone).toMatchObject({ nextAt: null, leftAt: expect.stringMatching(/Z$/) as unknown });
  });
});
