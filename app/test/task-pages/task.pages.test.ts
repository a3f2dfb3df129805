import { z } from 'zod';
import { defineTask, handle, NonRetryable } from '../../src/tasks';
import { distance } from '../../src/pages/moment';
import { duration } from '../../src/task-pages/duration';
import { ADMIN_TOKEN, eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const odd = defineTask({ name: 'test.odd', queue: 'probes', payload: z.strictObject({ fails: z.boolean() }) });

describe('the live page of a task', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker([
      handle(odd, async ({ payload }) => {
        await Promise.resolve();
        if (payload.fails) throw new NonRetryable('the well is <dry>');
        return { buckets: 3 };
      }),
    ]);
  });
  afterAll(() => test_.close());

  const page = async (id: string, headers: Record<string, string> = {}) =>
    test_.request({ method: 'GET', url: `/tasks/${id}`, headers: { accept: 'text/html', ...headers } });
  const signIn = async () => {
    const answer = await test_.request({
      method: 'POST',
      url: '/sign-in',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({ password: ADMIN_TOKEN }).toString(),
    });
    return { cookie: String(answer.headers['set-cookie']).split(';', 1)[0]! };
  };

  test('asks again by itself without JavaScript until the task has ended', async () => {
    const { id } = await test_.tasks.accept(odd, { fails: false }, { runAt: new Date(Date.now() + 3_600_000) });
    const waiting = await page(id);
    expect(waiting.statusCode).toBe(200);
    expect(waiting.body).toContain('<noscript><meta http-equiv="refresh" content="3"/></noscript>');
    expect(waiting.body).toContain('Waits for its turn');
    expect(waiting.body).toContain('Next attempt');
    const { id: ends } = await test_.tasks.accept(odd, { fails: false });
    expect(await untilFinished(test_.tasks, ends)).toBe('done');
    const ended = await page(ends);
    expect(ended.body).not.toContain('http-equiv="refresh"');
    expect(ended.body).toContain('data-finished');
    expect(ended.body).toContain('<dt>Buckets</dt><dd>3</dd>');
  });

  test('a dead task says its reason, of the task and of the attempt', async () => {
    const { id } = await test_.tasks.accept(odd, { fails: true });
    expect(await untilFinished(test_.tasks, id)).toBe('dead');
    const { body } = await page(id);
    expect(body).toContain('state-dead');
    expect(body).toContain('Failed');
    expect(body.match(/the well is &lt;dry>/g)).toHaveLength(2);
  });

  test('neighbours of a flow are shown with their states, and linked for staff only', async () => {
    const { id: first } = await test_.tasks.accept(odd, { fails: false });
    const { id: second } = await test_.tasks.accept(odd, { fails: false }, { after: [{ id: first }] });
    await untilFinished(test_.tasks, second);
    const anybody = await page(second);
    expect(anybody.body).toContain('<h2>Waits for</h2>');
    expect(anybody.body).not.toContain(first);
    expect((await page(second, await signIn())).body).toContain(`href="/tasks/${first}"`);
    expect((await page(first)).body).toContain('<h2>Waits for this</h2>');
  });

  test('progress is a bar with words', async () => {
    const { statusCode, body } = await test_.request({
      method: 'POST',
      url: '/api/imports',
      headers: { 'content-type': 'text/csv' },
      payload: 'Title,Release Date\nUp,May 29 2009\n',
    });
    expect(statusCode).toBe(202);
    const { taskId } = JSON.parse(body) as { taskId: string };
    await test_.startWorker();
    await untilFinished(test_.tasks, taskId);
    const bar = await eventually(
      async () => /<label for="progress">.*?<progress[^>]*>/.exec((await page(taskId)).body) ?? undefined,
      'the bar',
    );
    expect(bar[0]).toContain('1 of 1 rows');
    expect(bar[0]).toContain('value="1" max="1"');
  });

  test('a task that is not there is not found', async () => {
    const missing = await page('01234567-89ab-4cde-8f01-23456789abcd');
    expect(missing.statusCode).toBe(404);
    expect(missing.headers['content-type']).toBe('text/html; charset=utf-8');
  });
});

describe('times on pages', () => {
  test.each([
    [0, 'now'],
    [-5, '5 seconds ago'],
    [-125, '2 minutes ago'],
    [7200, 'in 2 hours'],
    [-90_000, 'yesterday'],
  ])('%d seconds from now is %s', (seconds, text) => expect(distance(seconds)).toBe(text));

  test.each([
    [840, '0.8 s'],
    [12_300, '12 s'],
    [185_000, '3 min 5 s'],
  ])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));
});
