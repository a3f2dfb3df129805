import { z } from 'zod';
import { defineTask, handle, NonRetryable } from '../../src/tasks';
import { until } from '../tasks/support/until';
import { ADMIN, expectProblem, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const secretive = defineTask({ name: 'tests.secretive', payload: z.object({ secret: z.string() }), attempts: 1 });
const parking = defineTask({ name: 'tests.parking', payload: z.object({}) });

interface TaskAnswer {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
}
interface ListAnswer {
  readonly items: readonly TaskAnswer[];
  readonly next: string | null;
}

describe('the task routes', () => {
  let test_: TestApp;
  let mayPass = false;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker([
      handle(secretive, async (context) => {
        context.progress({ done: 1 });
        await Promise.resolve();
        if (!mayPass) throw new NonRetryable('it may not pass yet');
      }),
    ]);
  });
  afterAll(() => test_.close());

  const get = async <T>(url: string): Promise<T> =>
    (await test_.request({ method: 'GET', url, headers: ADMIN })).json();
  const retry = (id: string) => test_.request({ method: 'POST', url: `/api/tasks/${id}/retry`, headers: ADMIN });

  test('show a task with its attempts and without its payload', async () => {
    const { id } = await test_.tasks.accept(secretive, { secret: 'hunter2' });
    await untilFinished(test_.tasks, id);
    const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown;
    const response = await test_.request({ method: 'GET', url: `/api/tasks/${id}` });
    expect(response.json()).toEqual({
      id,
      name: 'tests.secretive',
      queue: 'default',
      priority: 'normal',
      state: 'dead',
      attempt: 1,
      maxAttempts: 1,
      runAt: moment,
      progress: { done: 1 },
      acceptedAt: moment,
      startedAt: moment,
      finishedAt: moment,
      error: 'NonRetryable: it may not pass yet',
      result: null,
      attempts: [
        {
          attempt: 1,
          worker: expect.any(String) as unknown,
          startedAt: moment,
          finishedAt: moment,
          error: 'NonRetryable: it may not pass yet',
        },
      ],
      after: [],
      before: [],
      effects: [],
    });
    const everything = JSON.stringify(await get('/api/tasks')) + response.body + JSON.stringify(test_.logLines);
    expect(everything).toContain(id);
    expect(everything).not.toContain('hunter2');
  });

  test('retry a dead task, and only a dead one', async () => {
    const { id } = await test_.tasks.accept(secretive, { secret: 'x' });
    await untilFinished(test_.tasks, id);
    mayPass = true;
    const response = await retry(id);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ id, state: expect.stringMatching(/queued|running|done/) as unknown });
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expectProblem(await retry(id), 409, `Task ${id} is done; only a dead or cancelled task can be retried.`);
  });

  test('do not retry a task whose unique key another one holds: 409 says which', async () => {
    const uniqueKey = { key: 'held', until: 'finish' } as const;
    const { id } = await test_.tasks.accept(parking, {}, { uniqueKey });
    await test_.tasks.cancel(id);
    const holder = await test_.tasks.accept(parking, {}, { uniqueKey });
    const detail = `The unique key "held" of task ${id} is held by task ${holder.id}; wait for that one, or cancel it.`;
    expectProblem(await retry(id), 409, detail);
    expect((await test_.tasks.get(id))?.state).toBe('cancelled');
  });

  test('cancel a task, in bulk as well, and only one that is not finished', async () => {
    const post = (url: string, payload?: object) =>
      test_.request({ method: 'POST', url, headers: ADMIN, ...(payload !== undefined && { payload }) });
    const one = await test_.tasks.accept(secretive, { secret: 'x' }, { queue: 'cancelled-one' });
    const answer = await post(`/api/tasks/${one.id}/cancel`);
    expect(answer.json()).toMatchObject({ outcome: 'cancelled', task: { id: one.id, state: 'cancelled' } });
    expectProblem(
      await post(`/api/tasks/${one.id}/cancel`),
      409,
      `Task ${one.id} is cancelled; only a task that is not finished can be cancelled.`,
    );
    await test_.tasks.acceptMany(secretive, [{ secret: 'x' }, { secret: 'y' }], { queue: 'cancelled-many' });
    const counts = { changed: 2, requested: 0, left: 0, complete: true, next: null };
    expect((await post('/api/tasks/cancel', { queue: 'cancelled-many' })).json()).toEqual(counts);
    const nothing = { changed: 0, requested: 0, left: 0, complete: true, next: null };
    const filter = { queue: 'cancelled-many', acceptedBefore: '2026-01-01T00:00:00Z' };
    expect((await post('/api/tasks/retry', filter)).json()).toEqual(nothing);
    expect((await post('/api/tasks/discard', filter)).json()).toEqual(nothing);
    const cancelled = { queue: 'cancelled-many', state: 'cancelled' };
    expect((await post('/api/tasks/retry', cancelled)).json()).toEqual(counts);
  });

  test('go on with a bulk from its cursor, and only with the same one', async () => {
    const post = (url: string, payload: object) => test_.request({ method: 'POST', url, headers: ADMIN, payload });
    const filter = { queue: 'by-cursor' };
    await test_.tasks.acceptMany(
      secretive,
      Array.from({ length: 1_001 }, () => ({ secret: 'x' })),
      filter,
    );
    const stop = new AbortController();
    const { next } = await test_.tasks.cancelAll(filter, { signal: stop.signal, onProgress: () => stop.abort() });
    const rest = await post('/api/tasks/cancel', { ...filter, after: next });
    expect(rest.json()).toEqual({ changed: 1, requested: 0, left: 0, complete: true, next: null });
    const another = 'body.after is the cursor of a bulk of another kind or filter; go on with the same.';
    expectProblem(await post('/api/tasks/discard', { ...filter, after: next }), 400, another);
    expectProblem(await post('/api/tasks/cancel', { queue: 'another', after: next }), 400, another);
  });

  test('show the ids of neighbours to administrators only, also where an error names one', async () => {
    const parent = await test_.tasks.accept(secretive, { secret: 'x' }, { queue: 'neighbours' });
    const { id } = await test_.tasks.accept(secretive, { secret: 'y' }, { queue: 'neighbours', after: [parent.id] });
    const edge = { name: 'tests.secretive', onFailure: 'cancel' };
    const unseen = async (url: string) => (await test_.request({ method: 'GET', url })).json<object>();
    expect(await unseen(`/api/tasks/${id}`)).toMatchObject({ after: [{ ...edge, state: 'queued' }], before: [] });
    expect(await unseen(`/api/tasks/${parent.id}`)).toMatchObject({ before: [{ ...edge, state: 'waiting' }] });
    expect(await get(`/api/tasks/${id}`)).toMatchObject({ after: [{ ...edge, id: parent.id }] });

    await test_.tasks.cancel(parent.id);
    const late = await test_.tasks.accept(secretive, { secret: 'z' }, { queue: 'neighbours', after: [parent.id] });
    const seen = await get<{ error: string }>(`/api/tasks/${late.id}`);
    expect(seen.error).toBe(`task ${parent.id} (tests.secretive), for which it was to wait, is cancelled`);
    const shown = await unseen(`/api/tasks/${late.id}`);
    expect(shown).toMatchObject({
      error: 'task (another) (tests.secretive), for which it was to wait, is cancelled',
    });
    const events = await test_.request({ method: 'GET', url: `/api/tasks/${late.id}/events` });
    expect(events.body).toContain('for which it was to wait');
    for (const text of [JSON.stringify(shown), JSON.stringify(await unseen(`/api/tasks/${id}`)), events.body]) {
      expect(text).not.toContain(parent.id);
    }
  });

  test('show what a parked task did outside, and let it go on once that is resolved', async () => {
    const { id } = await test_.tasks.accept(parking, {});
    await test_.startWorker([
      handle(parking, ({ external }) =>
        external('mail', { onUnknown: 'park' }, () => Promise.reject(new Error('no answer'))),
      ),
    ]);
    const parked = await until('it is parked', async () => {
      const task = await get<TaskAnswer & { effects: unknown[] }>(`/api/tasks/${id}`);
      return task.state === 'parked' && task;
    });
    const effect = { key: 'mail', onUnknown: 'park', intentAt: expect.any(String) as unknown };
    expect(parked.effects).toEqual([{ ...effect, receiptAt: null, resolved: false }]);
    const resolve = (payload: object) =>
      test_.request({ method: 'POST', url: `/api/tasks/${id}/resolve`, headers: ADMIN, payload });
    expectProblem(await resolve({ outcome: 'sent', key: 'call' }), 400, 'body.key is "call"; in question is "mail".');
    const response = await resolve({ outcome: 'sent', receipt: { messageId: '7' } });
    expect(response.json()).toMatchObject({ id, effects: [{ resolved: true }] });
    expect(response.body).not.toContain('messageId');
    expect((await test_.tasks.get(id))?.effects).toMatchObject([{ receipt: { messageId: '7' } }]);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expectProblem(await resolve({ outcome: 'sent' }), 409, `Task ${id} is done; only a parked task can be resolved.`);
  });

  test('list tasks by state, queue and name, newest first, by pages', async () => {
    const accepted = await test_.tasks.acceptMany(
      secretive,
      Array.from({ length: 5 }, () => ({ secret: 'x' })),
      { queue: 'nobody' },
    );
    const ids = accepted.map(({ id }) => id).reverse();
    const pages: ListAnswer[] = [];
    for (let after = ''; ;) {
      const page = await get<ListAnswer>(`/api/tasks?queue=nobody&state=queued&name=tests.secretive&limit=2${after}`);
      pages.push(page);
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(pages.map(({ items }) => items.length)).toEqual([2, 2, 1]);
    expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(ids);
    expect(await get('/api/tasks?queue=nobody&state=dead')).toEqual({ items: [], next: null });
    expect(await get('/api/tasks?name=tests.other')).toEqual({ items: [], next: null });
  });
});
