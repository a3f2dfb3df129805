import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { recordQueues } from '../../src/queues/queue-history';
import { probe } from '../../src/probes/probe.task';
import { sendReminder } from '../../src/reminders/reminders.task';
import { defineSchedule, handle } from '../../src/tasks';
import { ADMIN_TOKEN, eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const NOTHING = '01234567-89ab-4cde-8f01-23456789abcd';
const PAGES = ['/admin', '/admin/dead', '/admin/parked', '/admin/schedules'];

describe('the admin area', () => {
  let test_: TestApp;
  let staff: Record<string, string>;
  beforeAll(async () => {
    test_ = await startTestApp();
    staff = { cookie: cookiesOf((await post('/sign-in', { password: ADMIN_TOKEN }, {})).headers) };
  });
  afterAll(() => test_.close());

  const cookiesOf = (headers: OutgoingHttpHeaders) =>
    [headers['set-cookie']]
      .flat()
      .map((one) => String(one).split(';', 1)[0])
      .join('; ');
  const get = (url: string, headers: Record<string, string> = staff) =>
    test_.request({ method: 'GET', url, headers: { accept: 'text/html', ...headers } });
  const post = (url: string, fields: Record<string, string> = {}, headers: Record<string, string> = staff) =>
    test_.request({
      method: 'POST',
      url,
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams(fields).toString(),
    });
  /** What the page says that the form leads to. */
  const done = async (url: string, fields: Record<string, string> = {}) => {
    const answer = await post(url, fields);
    expect({ status: answer.statusCode, body: answer.body }).toEqual({ status: 303, body: '' });
    const cookie = `${staff['cookie'] ?? ''}; ${cookiesOf(answer.headers)}`;
    const page = await get(String(answer.headers.location), { cookie });
    return /role="status">([^<]+)</.exec(page.body.slice(page.body.indexOf('<main')))?.[1];
  };
  const state = async (id: string) => (await test_.tasks.get(id))?.state;
  const shown = (url: string, text: string | RegExp) =>
    eventually(
      async () => {
        const { body } = await get(url);
        return (typeof text === 'string' ? body.includes(text) : text.test(body)) ? body : undefined;
      },
      `${url} shows ${String(text)}`,
    );

  async function accepted(queue = `q-${randomUUID()}`): Promise<string> {
    return (await test_.tasks.accept(probe, { runMs: 0, failTimes: 0 }, { queue })).id;
  }
  async function dead(error = 'it broke'): Promise<string> {
    const id = await accepted();
    await test_.database.query(
      `update holdfast.task set state = 'dead', dead_reason = 'r', error = $2, finished_at = now() where uuid = $1`,
      [id, error],
    );
    return id;
  }
  async function parked(keys: readonly string[]): Promise<string> {
    const id = await accepted();
    await test_.database.query(
      `with t as (
         update holdfast.task set state = 'parked', run_at = 'infinity', resume_at = now() where uuid = $1 returning id
       )
       insert into holdfast.external_effect (task_id, key, on_unknown, fence) select id, key, 'park', 1
       from t, unnest($2::text[]) as key`,
      [id, keys],
    );
    return id;
  }
  const forms = (id: string): [string, Record<string, string>][] => [
    [`/admin/tasks/${id}/retry`, {}],
    [`/admin/tasks/${id}/discard`, {}],
    [`/admin/tasks/${id}/cancel`, {}],
    [`/admin/tasks/${id}/resolve`, { outcome: 'sent', key: 'mail' }],
    ['/admin/dead/retry', { kind: 'probes.run' }],
    ['/admin/dead/discard', { kind: 'probes.run' }],
    ['/admin/queues/kept/pause', {}],
    ['/admin/queues/kept/resume', {}],
  ];

  test.each([
    ['nobody', {}],
    ['somebody with a forged session', { cookie: 'staff=99999999999.forged' }],
  ])('is neither shown to %s nor changed by them', async (_who, headers) => {
    for (const url of PAGES) {
      const answer = await get(url, headers);
      expect([answer.statusCode, answer.headers.location, answer.body]).toEqual([
        303,
        `/sign-in?next=${encodeURIComponent(url)}`,
        '',
      ]);
      expect((await get(url, { ...headers, 'x-part': 'live' })).body).toBe('');
    }
    const [one, two] = [await dead(), await parked(['mail'])];
    for (const [url, fields] of [...forms(one), ...forms(two)]) {
      const answer = await post(url, fields, headers);
      expect([url, answer.statusCode, answer.headers.location]).toEqual([url, 303, '/sign-in']);
    }
    expect([await state(one), await state(two)]).toEqual(['dead', 'parked']);
    expect((await test_.database.query('select from holdfast.queue where paused_at is not null')).rows).toEqual([]);
  });

  test('takes no form that another site sent', async () => {
    const [one, two] = [await dead(), await parked(['mail'])];
    for (const [url, fields] of [...forms(one), ...forms(two)]) {
      const answer = await post(url, fields, { ...staff, 'sec-fetch-site': 'cross-site' });
      expect([url, answer.statusCode]).toEqual([url, 403]);
    }
    expect([await state(one), await state(two)]).toEqual(['dead', 'parked']);
  });

  test('shows queues with charts that are said in words, and workers', async () => {
    await accepted('charted');
    await test_.startWorker();
    await shown('/admin', 'aria-labelledby="queue-charted"');
    const body = await shown('/admin', /takes tasks/);
    await recordQueues(test_.tasks, (await test_.tasks.status()).queues);
    expect(body).toContain('Backlog of charted over the last hour: 1 task now');
    expect(body).not.toMatch(/ style="/);
    await shown('/admin', /<path class="line" d="M[\d. ]+L/);
  });

  test('answers live.js with the part that changes, and leaves the notice for the page', async () => {
    const part = await get('/admin', { ...staff, cookie: `${staff['cookie'] ?? ''}; notice=hello`, 'x-part': 'live' });
    expect(part.body).toMatch(/^<nav class="tabs"/);
    expect(part.headers['set-cookie']).toBeUndefined();
    expect((await get('/admin')).body).toContain('data-live');
  });

  test('lists dead tasks with their reason as text, and retries and discards single ones', async () => {
    const [one, two] = [await dead('<script>alert(1)</script>\nsecond line'), await dead()];
    const { body } = await get('/admin/dead');
    expect(body).toContain('&lt;script>alert(1)&lt;/script>');
    expect(body).not.toContain('<script>alert');
    expect(body).toContain(`href="/tasks/${one}"`);
    expect(await done(`/admin/tasks/${one}/retry`)).toMatch(/is queued again\.$/);
    expect(await done(`/admin/tasks/${two}/discard`, { kind: 'probes.run' })).toMatch(/is set aside/);
    expect([await state(one), await state(two)]).toEqual(['queued', 'cancelled']);
    expect(await done(`/admin/tasks/${one}/retry`)).toMatch(/^Nothing was changed: task \w{8} is queued by now\.$/);
    expect(await done(`/admin/tasks/${two}/discard`)).toMatch(
      /^Nothing was changed: task \w{8} is cancelled by now\.$/,
    );
    expect((await post(`/admin/tasks/${NOTHING}/retry`)).statusCode).toBe(404);
  });

  test('retries and discards all dead tasks of a kind', async () => {
    const one = await dead();
    await shown('/admin/dead', 'probes.run');
    expect(await done('/admin/dead/retry', { kind: 'probes.run' })).toMatch(
      /^\d+ tasks? probes\.run (is|are) queued again\.$/,
    );
    expect(await state(one)).toBe('queued');
    const [two, aside] = [await dead(), await parked(['mail'])];
    expect(await done('/admin/dead/discard', { kind: 'probes.run' })).toBe('1 task probes.run is set aside.');
    expect([await state(two), await state(aside)]).toEqual(['cancelled', 'parked']);
    expect((await get('/admin/dead')).body).toContain('No task is dead.');
    expect((await post('/admin/dead/retry', { kind: '' })).statusCode).toBe(400);
    expect((await post('/admin/dead/discard')).statusCode).toBe(400);
  });

  test('takes what a person found out about parked tasks', async () => {
    const id = await parked(['mail', 'receipt <1>']);
    const { body } = await get('/admin/parked');
    expect(body).toContain('value="receipt &lt;1>"');
    expect(body).toContain('<strong>Did “mail” happen?</strong>');
    const url = `/admin/tasks/${id}/resolve`;
    expect(await done(url, { outcome: 'sent', key: 'mail' })).toMatch(/Something else of it is still in question\.$/);
    expect(await done(url, { outcome: 'not-sent', key: 'other' })).toMatch(/^Nothing was changed: key: is/);
    expect(await state(id)).toBe('parked');
    expect(await done(url, { outcome: 'not-sent', key: 'receipt <1>' })).toMatch(/The task goes on\.$/);
    expect(await done(url, { outcome: 'sent', key: 'mail' })).toMatch(
      /^Nothing was changed: task \w{8} is \w+ by now\.$/,
    );
    expect((await post(url, { outcome: 'maybe', key: 'mail' })).statusCode).toBe(400);
  });

  test('asks about what the app itself sends in the words of its domain', async () => {
    const { id } = await test_.tasks.accept(sendReminder, { reminderId: NOTHING, day: '2099-07-14' });
    await test_.database.query(
      `with t as (
         update holdfast.task
         set state = 'parked', run_at = 'infinity', resume_at = now(), error = 'Parked: whether it happened is unknown'
         where uuid = $1 returning id
       )
       insert into holdfast.external_effect (task_id, key, on_unknown, fence) select id, 'message', 'park', 1 from t`,
      [id],
    );
    const body = await shown('/admin/parked', 'Was the reminder sent?');
    expect(body).toMatch(/Reminder of a screening <code>/);
    expect(body).toContain('<p class="reason">whether it happened is unknown</p>');
    expect(body).not.toContain(`${id}:`);
    await test_.tasks.discard(id);
  });

  test('pauses and resumes queues, cancels what runs, and shows schedules', async () => {
    expect(await done('/admin/queues/by-hand/pause')).toBe('The queue by-hand is paused: what runs goes on.');
    await shown('/admin', 'action="/admin/queues/by-hand/resume"');
    expect(await done('/admin/queues/by-hand/resume')).toBe('The queue by-hand goes on, oldest tasks first.');
    expect((await post('/admin/queues/no%20name/pause')).statusCode).toBe(400);

    await test_.startWorker([
      handle(
        probe,
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ),
    ]);
    const id = (await test_.tasks.accept(probe, { runMs: 60_000, failTimes: 0 }, { queue: 'probes' })).id;
    await shown('/admin', `action="/admin/tasks/${id}/cancel"`);
    expect(await done(`/admin/tasks/${id}/cancel`)).toMatch(/is asked to stop; it ends within seconds/);
    await eventually(async () => ((await state(id)) === 'cancelled' ? true : undefined), 'it is cancelled');
    expect(await done(`/admin/tasks/${id}/cancel`)).toMatch(/is cancelled by now\.$/);

    const yearly = defineSchedule({
      name: 'yearly',
      task: probe,
      payload: { runMs: 0, failTimes: 0 },
      cron: '0 0 1 1 *',
    });
    const scheduler = test_.tasks.startScheduler({ schedules: [yearly] });
    const body = await shown('/admin/schedules', 'yearly');
    await scheduler.stop();
    expect(body).toContain('<code>0 0 1 1 *</code>');
    expect(body).toMatch(/>in \d+ d/);
  });
});
