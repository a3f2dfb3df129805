import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AttemptAborted, defineTask, handle, InvalidTaskError, TaskStateError } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { openEngine } from '../support/engines';
import { aborted, gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { queueTasks, taskRow, taskRows } from '../support/task-rows';
import { until } from '../support/until';

const probe = defineTask({ name: 'probe', payload: z.looseObject({}) });
const queues = [{ name: 'default' }];

let fixture: LedgerFixture;
let tasks: Tasks;

beforeEach(async () => {
  fixture = await ledgerFixture();
  tasks = openEngine(fixture, undefined);
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

async function states(): Promise<Record<string, number>> {
  const rows = await fixture.rows<{ state: string; count: number }>(
    'select state, count(*)::int as count from holdfast.task group by state order by state',
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

describe('cancel', () => {
  it.each(['queued', 'waiting', 'parked'])('of a task that is %s happens at once and frees its key', async (state) => {
    const { id } = await tasks.accept(probe, {});
    await fixture.rows(
      `update holdfast.task set state = $1, held_key = 'k', run_at = 'infinity', resume_at = now() where uuid = $2`,
      [state, id],
    );
    expect(await tasks.cancel(id)).toMatchObject({ outcome: 'cancelled', task: { id, state: 'cancelled' } });
    expect(await taskRow(fixture, id)).toMatchObject({
      ...{ held_key: null, resume_at: null, run_at: expect.any(Date) as Date, finished_at: expect.any(Date) as Date },
    });
    await expect(tasks.cancel(id)).rejects.toThrow(TaskStateError);
  });

  it('of a running task aborts its handler, and the task ends cancelled; retried by hand it runs again', async () => {
    let reason: unknown;
    let runs = 0;
    await tasks.startWorker({
      handlers: [
        handle(probe, async ({ signal }) => {
          runs += 1;
          if (runs > 1) return;
          reason = await aborted(signal);
          throw reason as Error;
        }),
      ],
      queues,
    });
    const { id } = await tasks.accept(probe, {});
    await until('it runs', () => runs === 1);
    expect(await tasks.cancel(id)).toMatchObject({ outcome: 'requested', task: { state: 'running' } });
    await until('it is cancelled', async () => (await taskRow(fixture, id)).state === 'cancelled');
    expect(reason).toBeInstanceOf(AttemptAborted);
    expect((reason as AttemptAborted).reason).toBe('cancelled');
    await tasks.retry(id);
    await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
    expect(await taskRow(fixture, id)).toMatchObject({ fence: 2, cancel_requested_at: null });
  });

  it('does not undo a completion: the fence decides', async () => {
    const release = gate();
    await tasks.startWorker({ handlers: [handle(probe, () => release.opened)], queues });
    const { id } = await tasks.accept(probe, {});
    await until('it runs', async () => (await taskRow(fixture, id)).state === 'running');
    await tasks.cancel(id);
    release.open();
    await until('it has ended', async () => (await taskRow(fixture, id)).finished_at !== null);
    expect((await taskRow(fixture, id)).state).toBe('done');
    await expect(tasks.cancel(id)).rejects.toThrow(/is done; only a task that is not finished can be cancelled/);
  });

  it('of no task is undefined, and what is no uuid is refused', async () => {
    expect(await tasks.cancel(randomUUID())).toBeUndefined();
    await expect(tasks.cancel('7')).rejects.toThrow(InvalidTaskError);
  });
});

describe('in bulk', () => {
  it('all unfinished tasks of a queue are cancelled, in batches; those that run are asked', async () => {
    await queueTasks(fixture, 2_500);
    await queueTasks(fixture, 3, { queue: 'other' });
    await fixture.rows(`update holdfast.task set state = 'running' where id <= 4`);
    await fixture.rows(
      `update holdfast.task set run_at = 'infinity', resume_at = now(), state = 'parked' where id = 9`,
    );
    const progress: number[] = [];
    const counts = await tasks.cancelAll({ queue: 'default' }, { onProgress: ({ changed }) => progress.push(changed) });
    expect(counts).toEqual({ changed: 2_496, requested: 4, left: 0, complete: true, next: null });
    expect(progress).toEqual([996, 1_996, 2_496]);
    expect(await states()).toEqual({ cancelled: 2_496, queued: 3, running: 4 });
    expect(await tasks.cancelAll({ queue: 'default' })).toMatchObject({ changed: 0, requested: 0 });
  });

  it('a row that somebody holds is neither waited for nor forgotten', async () => {
    const ids = await queueTasks(fixture, 3);
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query('select from holdfast.task where id = $1 for no key update', [ids[1]]);
    const seen: number[] = [];
    const counts = tasks.cancelAll(
      { name: 'probe' },
      {
        onProgress: ({ left }) => {
          seen.push(left);
          if (seen.length === 1) void holder.query('commit');
        },
      },
    );
    expect(await counts).toMatchObject({ changed: 3, requested: 0, left: 0, complete: true });
    expect(seen[0]).toBe(1);
  });

  it('dead tasks are retried with a fresh budget, or set aside together with parked ones', async () => {
    const ids = await queueTasks(fixture, 6);
    await fixture.rows(
      `update holdfast.task set state = 'dead', dead_reason = 'non-retryable', finished_at = now(), attempts = 5 where id <= 4`,
    );
    await fixture.rows(`update holdfast.task set queue = 'other' where id > 2`);
    expect(await tasks.retryAll({ queue: 'default' })).toMatchObject({ changed: 2, left: 0 });
    expect(await taskRows(fixture, ids.slice(0, 2))).toMatchObject([{ max_attempts: 10 }, { max_attempts: 10 }]);
    await fixture.rows(
      `update holdfast.task set state = 'parked', run_at = 'infinity', resume_at = now() where id = 5`,
    );
    expect(await tasks.discardAll({ queue: 'other', state: 'parked' })).toMatchObject({ changed: 1 });
    expect(await tasks.discardAll({ queue: 'other' })).toMatchObject({ changed: 2, left: 0 });
    expect(await states()).toEqual({ cancelled: 3, queued: 3 });
    expect((await tasks.list({ state: 'dead' })).items).toEqual([]);
  });

  it('stops when it is told to: what is done is done, the rest is as it was', async () => {
    await queueTasks(fixture, 1_500);
    const stop = new AbortController();
    const counts = await tasks.cancelAll({ queue: 'default' }, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(counts).toMatchObject({ changed: 1_000, requested: 0, left: 0, complete: false });
    expect(await states()).toEqual({ cancelled: 1_000, queued: 500 });
  });

  it('only what was accepted before is meant', async () => {
    await queueTasks(fixture, 2);
    await fixture.rows(`update holdfast.task set accepted_at = now() - interval '1 day' where id = 1`);
    const acceptedBefore = new Date(Date.now() - 3_600_000);
    expect(await tasks.cancelAll({ acceptedBefore })).toMatchObject({ changed: 1 });
  });

  it('a filter that names no tasks, or states that make no sense, is refused', async () => {
    await expect(tasks.cancelAll({})).rejects.toThrow('filter: names no tasks; give queue, name or acceptedBefore');
    await expect(tasks.cancelAll({ queue: 'a', state: 'done' })).rejects.toThrow(
      'state: is "done"; allowed is waiting, queued, running, parked',
    );
    await expect(tasks.retryAll({ queue: 'A b' })).rejects.toThrow(InvalidTaskError);
  });
});

describe('discard', () => {
  it.each([
    ['dead', `dead_reason = 'no use', error = 'no use', finished_at = now()`],
    ['parked', `run_at = 'infinity', resume_at = now()`],
  ])('sets a task aside that is %s; it can be retried by hand', async (state, columns) => {
    const { id } = await tasks.accept(probe, {});
    await fixture.rows(`update holdfast.task set state = $1, ${columns} where uuid = $2`, [state, id]);
    expect(await tasks.discard(id)).toMatchObject({ id, state: 'cancelled' });
    await expect(tasks.discard(id)).rejects.toThrow(TaskStateError);
    expect(await tasks.retry(id)).toMatchObject({ state: 'queued' });
  });

  it('leaves a task alone that may still run, and finds none that is not there', async () => {
    const { id } = await tasks.accept(probe, {});
    await expect(tasks.discard(id)).rejects.toThrow(
      `task ${id} is queued; only a dead or parked task can be set aside`,
    );
    expect(await tasks.get(id)).toMatchObject({ state: 'queued' });
    expect(await tasks.discard(randomUUID())).toBeUndefined();
    await expect(tasks.discard('7')).rejects.toThrow(InvalidTaskError);
  });
});
