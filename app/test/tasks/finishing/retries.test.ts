import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { createTasks, defineTask, handle, InvalidTaskError, NonRetryable, TaskStateError } from '../../../src/tasks';
import type { TaskRecordWithAttempts, Tasks, Worker } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';

const FIRST_SECONDS = 1000;
const JITTER = 0.2;
const flaky = defineTask({
  name: 'flaky',
  payload: z.object({ failTimes: z.number() }),
  attempts: 3,
  backoff: { firstSeconds: FIRST_SECONDS, factor: 2, jitter: JITTER },
});
const hopeless = defineTask({ name: 'hopeless', payload: z.object({}) });

let fixture: LedgerFixture;
let tasks: Tasks;
let worker: Worker;

beforeAll(async () => {
  fixture = await ledgerFixture();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
  worker = await tasks.startWorker({
    handlers: [
      handle(flaky, async ({ attempt, payload }) => {
        if (attempt <= payload.failTimes) throw new RangeError(`failure ${attempt}`);
        await Promise.resolve();
      }),
      handle(hopeless, () => Promise.reject(new NonRetryable('no such film'))),
    ],
    queues: [{ name: 'default' }],
  });
});
afterAll(async () => {
  await tasks.close();
  await fixture.drop();
});

function reaches(id: string, state: string, attempt: number): Promise<TaskRecordWithAttempts> {
  return until(`it is ${state} after attempt ${attempt}`, async () => {
    const task = await tasks.get(id);
    return task?.state === state && task.attempt === attempt && task;
  });
}

async function becomesDueNow(id: string): Promise<void> {
  await fixture.pool.query('update holdfast.task set run_at = now() where uuid = $1', [id]);
}

it('a failed attempt is repeated after its backoff, until one succeeds, and every failure is kept', async () => {
  const { id } = await tasks.accept(flaky, { failTimes: 2 });
  for (const attempt of [1, 2]) {
    const task = await reaches(id, 'queued', attempt);
    const waits = (task.runAt.getTime() - task.attempts.at(-1)!.finishedAt!.getTime()) / 1000;
    const expected = FIRST_SECONDS * 2 ** (attempt - 1);
    expect(waits).toBeGreaterThan(expected * (1 - JITTER) - 1);
    expect(waits).toBeLessThan(expected * (1 + JITTER) + 1);
    expect(task).toMatchObject({ error: `RangeError: failure ${attempt}`, finishedAt: null });
    await becomesDueNow(id);
  }
  const done = await reaches(id, 'done', 3);
  expect(done).toMatchObject({ maxAttempts: 3, error: null });
  expect(done.attempts).toEqual([
    attemptOf(1, 'RangeError: failure 1'),
    attemptOf(2, 'RangeError: failure 2'),
    attemptOf(3, null),
  ]);
  const times = done.attempts.flatMap((attempt) => [attempt.startedAt.getTime(), attempt.finishedAt!.getTime()]);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

function attemptOf(attempt: number, error: string | null): unknown {
  return {
    attempt,
    worker: worker.id,
    startedAt: expect.any(Date) as Date,
    finishedAt: expect.any(Date) as Date,
    error,
  };
}

it('a task is dead when its attempts are spent', async () => {
  const { id } = await tasks.accept(flaky, { failTimes: 9 }, { attempts: 1 });
  const dead = await reaches(id, 'dead', 1);
  expect(dead.error).toBe('RangeError: failure 1');
  expect(dead.finishedAt).not.toBeNull();
  expect(dead.attempts).toHaveLength(1);
  expect(await taskRow(fixture, id)).toMatchObject({ dead_reason: 'attempts-exhausted', fence: 1 });
});

it('a task whose handler says that repeating is no use is dead at once', async () => {
  const { id } = await tasks.accept(hopeless, {});
  const dead = await reaches(id, 'dead', 1);
  expect(dead).toMatchObject({ maxAttempts: 5, error: 'NonRetryable: no such film' });
  expect(await taskRow(fixture, id)).toMatchObject({ dead_reason: 'non-retryable', fence: 1 });
});

it('a dead task that is retried by hand has its whole budget again, and its fence goes on', async () => {
  const { id } = await tasks.accept(flaky, { failTimes: 3 }, { attempts: 2 });
  await reaches(id, 'queued', 1);
  await becomesDueNow(id);
  await reaches(id, 'dead', 2);

  await tasks.retry(id);
  const again = await reaches(id, 'queued', 3);
  expect(again).toMatchObject({ maxAttempts: 4, error: 'RangeError: failure 3', finishedAt: null });
  // The backoff starts anew with it.
  const waits = (again.runAt.getTime() - again.attempts.at(-1)!.finishedAt!.getTime()) / 1000;
  expect(waits).toBeLessThan(FIRST_SECONDS * (1 + JITTER) + 1);
  expect(await taskRow(fixture, id)).toMatchObject({ dead_reason: null, fence: 3 });
  await becomesDueNow(id);
  const done = await reaches(id, 'done', 4);
  expect(done.attempts.map(({ error }) => error?.slice(-1) ?? null)).toEqual(['1', '2', '3', null]);
  expect(await taskRow(fixture, id)).toMatchObject({ fence: 4 });
});

it('only a dead or cancelled task can be retried by hand', async () => {
  const { id: done } = await tasks.accept(flaky, { failTimes: 0 });
  await reaches(done, 'done', 1);
  const { id: queued } = await tasks.accept(flaky, { failTimes: 0 }, { runAt: new Date(Date.now() + 60_000) });
  for (const [id, state] of [
    [done, 'done'],
    [queued, 'queued'],
  ] as const) {
    const before = await taskRow(fixture, id);
    await expect(tasks.retry(id)).rejects.toThrow(TaskStateError);
    await expect(tasks.retry(id)).rejects.toMatchObject({ taskId: id, state });
    expect(await taskRow(fixture, id)).toEqual(before);
  }
  expect(await tasks.retry(randomUUID())).toBeUndefined();
  await expect(tasks.retry('1; drop table')).rejects.toThrow(InvalidTaskError);
});
