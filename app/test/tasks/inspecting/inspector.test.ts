import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { createTasks, defineTask, handle, InvalidTaskError } from '../../../src/tasks';
import type { TaskFilter, Tasks } from '../../../src/tasks';
import { Inspector } from '../../../src/tasks/inspecting/inspector';
import { DisturbedLedger } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { INSPECT } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';

const probe = defineTask({ name: 'probe', payload: z.object({ n: z.number() }) });

let fixture: LedgerFixture;
let tasks: Tasks;

beforeEach(async () => {
  fixture = await ledgerFixture();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

/** Reads page after page, as a caller does. */
async function pages(filter: TaskFilter): Promise<string[][]> {
  const found: string[][] = [];
  for (let after: string | undefined; ;) {
    const page = await tasks.list({ ...filter, ...(after !== undefined && { after }) });
    found.push(page.items.map((task) => task.id));
    if (page.next === null) return found;
    after = page.next;
  }
}

describe('one task', () => {
  it('is read as it was accepted', async () => {
    const runAt = new Date(Date.now() + 60_000);
    const { id } = await tasks.accept(probe, { n: 7 }, { queue: 'other', priority: 'low', runAt, attempts: 3 });
    const task = await tasks.get(id);
    expect(task).toEqual({
      ...{ id, name: 'probe', queue: 'other', priority: 'low', state: 'queued', payload: { n: 7 }, runAt },
      ...{ attempt: 0, maxAttempts: 3, progress: null, startedAt: null, finishedAt: null, error: null },
      ...{ result: null, uniqueKey: null, after: [], before: [], effects: [] },
      acceptedAt: expect.any(Date) as Date,
      attempts: [],
    });
  });

  it('has one attempt when it succeeded at once, although none was written for it', async () => {
    const worker = await tasks.startWorker({
      handlers: [handle(probe, () => Promise.resolve())],
      queues: [{ name: 'default' }],
    });
    const { id } = await tasks.accept(probe, { n: 1 });
    await until('it is done', async () => (await tasks.get(id))?.state === 'done');
    const task = await tasks.get(id);
    const { startedAt, finishedAt } = task!;
    expect(task!.attempts).toEqual([{ attempt: 1, worker: worker.id, startedAt, finishedAt, error: null }]);
    expect(startedAt!.getTime()).toBeLessThanOrEqual(finishedAt!.getTime());
    expect(await fixture.rows('select from holdfast.attempt')).toEqual([]);
  });

  it('that does not exist is undefined, and what is no uuid is refused', async () => {
    expect(await tasks.get(randomUUID())).toBeUndefined();
    await expect(tasks.get('7')).rejects.toThrow(InvalidTaskError);
  });
});

describe('a list', () => {
  it('comes in pages, newest first, each task once although others are accepted meanwhile', async () => {
    const ids = (await queueTasks(fixture, 25)).reverse();
    const uuids = await Promise.all(ids.map(async (id) => (await taskRow(fixture, id)).uuid));
    const first = await tasks.list({ limit: 10 });
    await queueTasks(fixture, 5);
    const second = await tasks.list({ limit: 10, after: first.next! });
    const third = await tasks.list({ limit: 10, after: second.next! });
    expect([first, second, third].flatMap((page) => page.items.map((task) => task.id))).toEqual(uuids);
    expect(third).toMatchObject({ next: null });
    expect(third.items).toHaveLength(5);
  });

  it('ends exactly at the last full page', async () => {
    await queueTasks(fixture, 6);
    expect((await pages({ limit: 3 })).map((page) => page.length)).toEqual([3, 3]);
  });

  it('is filtered by state, queue and name, alone and together', async () => {
    const kinds = [
      { queue: 'a', name: 'x' },
      { queue: 'a', name: 'y' },
      { queue: 'b', name: 'x' },
    ];
    for (const kind of kinds) await queueTasks(fixture, 4, kind);
    await fixture.pool.query(`
      update holdfast.task set state = 'running' where id % 4 = 1;
      update holdfast.task set state = 'done', finished_at = now() where id % 4 = 2;
      update holdfast.task set state = 'dead', dead_reason = 'non-retryable', finished_at = now() where id % 4 = 3`);
    const count = async (filter: TaskFilter): Promise<number> => (await pages({ ...filter, limit: 2 })).flat().length;
    expect(await count({})).toBe(12);
    for (const state of ['queued', 'running', 'done', 'dead'] as const) {
      expect(await count({ state })).toBe(3);
      expect(await count({ state, queue: 'a' })).toBe(2);
      expect(await count({ state, name: 'y' })).toBe(1);
      expect(await count({ state, queue: 'b', name: 'x' })).toBe(1);
      expect(await count({ state, queue: 'b', name: 'y' })).toBe(0);
    }
    expect(await count({ queue: 'a' })).toBe(8);
    expect(await count({ name: 'x' })).toBe(8);
    expect(await count({ state: 'parked' })).toBe(0);
  });

  it.each([{ limit: 0 }, { limit: 201 }, { limit: 1.5 }, { after: 'x' }, { after: '-1' }, { after: '1'.repeat(19) }])(
    'refuses %p',
    async (filter) => {
      await expect(tasks.list(filter)).rejects.toThrow(InvalidTaskError);
    },
  );
});

describe('the status', () => {
  it('counts each queue’s tasks and names the workers that live', async () => {
    await queueTasks(fixture, 3, { runInSeconds: -100 });
    await queueTasks(fixture, 2, { runInSeconds: 100 });
    await queueTasks(fixture, 4, { queue: 'other' });
    await fixture.pool.query(`
      update holdfast.task set state = 'running' where id in (select id from holdfast.task where queue = 'other' order by id limit 1);
      update holdfast.task set state = 'dead', dead_reason = 'non-retryable', finished_at = now()
        where id = (select max(id) from holdfast.task where queue = 'other')`);
    const alive = await workerRow(fixture);
    await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [await workerRow(fixture)]);

    const { queues, workers } = await tasks.status();
    expect(queues).toEqual([
      {
        name: 'default',
        ...{ backlog: 3, scheduled: 2, waiting: 0, running: 0, parked: 0, dead: 0 },
        ...{ pausedAt: null, maxRunning: null, rateLimit: null },
        oldestAgeSeconds: expect.any(Number) as number,
      },
      {
        name: 'other',
        ...{ backlog: 2, scheduled: 0, waiting: 0, running: 1, parked: 0, dead: 1 },
        ...{ pausedAt: null, maxRunning: null, rateLimit: null },
        oldestAgeSeconds: expect.any(Number) as number,
      },
    ]);
    expect(queues[0]!.oldestAgeSeconds).toBeGreaterThanOrEqual(100);
    expect(queues[0]!.oldestAgeSeconds).toBeLessThan(130);
    expect(workers.map((worker) => worker.id)).toEqual([alive]);
    expect(workers[0]).toMatchObject({ host: 'elsewhere', concurrency: 10, running: 0, source: 'postgres' });
  });

  it('counts tasks out of their lanes as what they are: suspects are due, shelved ones are not', async () => {
    const out = async (fields: string): Promise<void> => {
      const [id] = await queueTasks(fixture, 1);
      await fixture.rows(`update holdfast.task set run_at = 'infinity', ${fields} where id = $1`, [id]);
    };
    await out(`crashes = 2, resume_at = now() - interval '90 seconds'`);
    await out(`crashes = 2, resume_at = now() + interval '90 seconds'`);
    await out(`shelved = true, resume_at = now() - interval '900 seconds'`);
    await out(`state = 'waiting', resume_at = now() - interval '900 seconds'`);
    await out(`state = 'parked', resume_at = now() - interval '900 seconds'`);
    const [queue] = (await tasks.status()).queues;
    expect(queue).toMatchObject({ backlog: 1, scheduled: 1, waiting: 1, parked: 1, running: 0 });
    expect(queue!.oldestAgeSeconds).toBeGreaterThanOrEqual(90);
    expect(queue!.oldestAgeSeconds).toBeLessThan(800);
  });

  it('shows what is set of queues, also of those without tasks and workers', async () => {
    await tasks.limitQueue('a', { maxRunning: 3 });
    await tasks.limitQueue('a', { rateLimit: { count: 10, perSeconds: 0.5 } });
    await tasks.pauseQueue('b');
    await tasks.limitQueue('c', { maxRunning: 3 });
    await tasks.limitQueue('c', { maxRunning: null });
    const { queues } = await tasks.status();
    expect(queues).toMatchObject([
      { name: 'a', pausedAt: null, maxRunning: 3, rateLimit: { count: 10, perSeconds: 0.5 } },
      { name: 'b', pausedAt: expect.any(Date) as Date, maxRunning: null, rateLimit: null },
    ]);
  });

  it('is one query for many readers, and a new one after a failure', async () => {
    const ledger = new DisturbedLedger({ connectionString: fixture.url }, 15, recordingLogger());
    const inspector = new Inspector(ledger);
    const slow = gate();
    ledger.before(INSPECT.queues, () => slow.opened);
    const readers = Array.from({ length: 100 }, () => inspector.status());
    slow.open();
    const [first, ...others] = await Promise.all(readers);
    for (const other of others) expect(other).toBe(first);
    expect(await inspector.status()).toBe(first);
    expect(ledger.count(INSPECT.queues)).toBe(1);
    await until('a later reader gets a newer one', async () => (await inspector.status()) !== first);
    expect(ledger.count(INSPECT.queues)).toBe(2);

    ledger.before(INSPECT.queues, () => {
      throw new Error('no');
    });
    await until('a look fails', () =>
      inspector.status().then(
        () => false,
        () => true,
      ),
    );
    ledger.heal();
    await expect(inspector.status()).resolves.toMatchObject({ queues: [], workers: [] });
    await ledger.close();
  });
});

describe('what needs a person', () => {
  it('is told by kinds of dead tasks', async () => {
    expect(await tasks.deadKinds()).toEqual([]);
    const other = defineTask({ name: 'another', payload: z.object({}) });
    const ids = [
      await tasks.accept(probe, { n: 1 }),
      await tasks.accept(probe, { n: 2 }),
      await tasks.accept(other, {}),
    ];
    await fixture.rows(
      `update holdfast.task set state = 'dead', dead_reason = 'r', finished_at = '2026-01-01Z' where uuid = any ($1)`,
      [ids.map(({ id }) => id)],
    );
    const lastAt = new Date('2026-01-01Z');
    await until('they are counted', async () => (await tasks.deadKinds()).length > 0);
    expect(await tasks.deadKinds()).toEqual([
      { name: 'another', count: 1, lastAt },
      { name: 'probe', count: 2, lastAt },
    ]);
  });

  it('that runs longest comes first', async () => {
    const gates = gate();
    const handler = handle(probe, () => gates.opened);
    await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
    const ids: string[] = [];
    for (const n of [1, 2, 3]) {
      const { id } = await tasks.accept(probe, { n });
      ids.push(id);
      await until('it runs', async () => (await tasks.get(id))?.state === 'running');
    }
    const running = async (limit: number) =>
      (await tasks.list({ order: 'longest', limit })).items.map((task) => task.id);
    expect(await running(50)).toEqual(ids);
    expect(await running(2)).toEqual(ids.slice(0, 2));
    expect((await tasks.list({ order: 'longest', queue: 'other' })).items).toEqual([]);
    gates.open();
    await until('nothing runs', async () => (await running(50)).length === 0);
  });

  it.each([{ state: 'dead' }, { after: '7' }, { uniqueKey: 'k' }] as const)(
    'cannot be ordered by how long it runs with %j',
    async (filter) => {
      await expect(tasks.list({ ...filter, order: 'longest' })).rejects.toThrow(InvalidTaskError);
    },
  );
});
