import { z } from 'zod';
import { defineTask, createTasks, handle, NonRetryable, Snooze } from '../../src/tasks';
import type { Tasks } from '../../src/tasks';
import { createInlineTasks, drain } from '../../src/tasks/testing';
import { ledgerFixture } from './support/ledger-fixture';
import type { LedgerFixture } from './support/ledger-fixture';
import { recordingLogger } from './support/recording-logger';
import { taskRow } from './support/task-rows';

const step = defineTask({ name: 'step', payload: z.number(), queue: 'steps', backoff: { firstSeconds: 60 } });
const other = defineTask({ name: 'other', payload: z.object({}) });

let fixture: LedgerFixture;
let tasks: Tasks;
beforeEach(async () => {
  fixture = await ledgerFixture();
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

const options = () => ({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
const soon = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

/** Counts down, a follow-up task for each step; fails below zero. */
const countDown = handle(step, async ({ payload, effects, attempt }) => {
  if (payload < -1) throw new NonRetryable('too low');
  if (payload === -1 && attempt === 1) throw new RangeError('below zero');
  if (payload > 0) effects((tx) => tasks.accept(tx, step, payload - 1));
  await Promise.resolve();
});

describe('drain', () => {
  beforeEach(() => {
    tasks = createTasks(options());
  });

  it('runs all due tasks with their follow-ups, in whatever queue they are, and counts them', async () => {
    await tasks.accept(step, 3, { queue: 'elsewhere' });
    await tasks.accept(step, -1);
    await tasks.accept(step, -2);
    await tasks.accept(other, {});
    const later = await tasks.accept(step, 0, { runAt: soon(3600) });
    expect(await drain(tasks, { handlers: [countDown] })).toEqual({
      ...{ done: 4, retried: 1, dead: 1, cancelled: 0, parked: 0, snoozed: 0 },
    });
    expect((await taskRow(fixture, later.id)).state).toBe('queued');
    expect((await tasks.list({ name: 'other' })).items).toMatchObject([{ state: 'queued' }]);
  });

  it('runs what is due until a later moment as well: delays and retries', async () => {
    const failing = await tasks.accept(step, -1);
    const later = await tasks.accept(step, 0, { runAt: soon(3_000) });
    const muchLater = await tasks.accept(step, 0, { runAt: soon(9_000) });
    const counts = await drain(tasks, { handlers: [countDown], until: soon(4_000) });
    expect(counts).toMatchObject({ done: 2, retried: 1 });
    for (const { id } of [failing, later]) expect((await taskRow(fixture, id)).state).toBe('done');
    expect((await taskRow(fixture, muchLater.id)).state).toBe('queued');
  });

  it('gives up when there is always something due', async () => {
    await tasks.accept(step, 0);
    const never = handle(step, () => Promise.reject(new Snooze(0)));
    await expect(drain(tasks, { handlers: [never], limitSeconds: 0.5 })).rejects.toThrow(
      /drain: 1 tasks are still due after 0.5 s/,
    );
  });

  it('needs an engine of its own kind', async () => {
    await expect(drain({ ...tasks }, { handlers: [countDown] })).rejects.toThrow(TypeError);
  });
});

describe('inline tasks', () => {
  beforeEach(() => {
    tasks = createInlineTasks({ ...options(), handlers: [countDown] });
  });

  it('are done, follow-ups included, when accept resolves', async () => {
    const { id } = await tasks.accept(step, 2);
    expect((await tasks.get(id))?.state).toBe('done');
    expect((await tasks.list({ name: 'step' })).items.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  });

  it('run after the commit of the transaction that accepted them, and not when it is rolled back', async () => {
    const { id } = await tasks.transaction(async (tx) => {
      const accepted = await tasks.accept(tx, step, 0);
      expect((await tx.query('select state from holdfast.task where uuid = $1', [accepted.id])).rows).toEqual([
        { state: 'queued' },
      ]);
      return accepted;
    });
    expect((await tasks.get(id))?.state).toBe('done');
    const failing = tasks.transaction(async (tx) => {
      await tasks.accept(tx, step, 0);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect((await tasks.list()).items).toHaveLength(1);
  });

  it('surface what their handlers throw, and stand in the ledger as ever', async () => {
    await expect(tasks.accept(step, -1)).rejects.toThrow(new RangeError('below zero'));
    await expect(tasks.accept(step, -2)).rejects.toThrow(NonRetryable);
    const states = (await tasks.list()).items.map(({ state, error }) => [state, error]);
    expect(states).toEqual([
      ['dead', 'NonRetryable: too low'],
      ['queued', 'RangeError: below zero'],
    ]);
    expect(await drain(tasks, { handlers: [countDown], until: soon(600) })).toMatchObject({ done: 1 });
  });
});
