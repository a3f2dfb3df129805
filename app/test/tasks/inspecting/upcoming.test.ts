import { z } from 'zod';
import { createTasks, defineTask, InvalidTaskError } from '../../../src/tasks';
import type { TaskFilter, Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { queueTasks } from '../support/task-rows';

const probe = defineTask({ name: 'probe', payload: z.number() });
const other = defineTask({ name: 'other', payload: z.number() });

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

/** The payloads of all pages. */
async function upcoming(filter: TaskFilter = {}): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let after: string | undefined; ;) {
    const page = await tasks.list({ ...filter, order: 'next', ...(after !== undefined && { after }) });
    found.push(...page.items.map((task) => task.payload));
    if (page.next === null) return found;
    after = page.next;
  }
}

describe('what runs next', () => {
  beforeEach(async () => {
    const at = (seconds: number): { runAt: Date } => ({ runAt: new Date(Date.now() + seconds * 1000) });
    await tasks.accept(probe, 4, at(400));
    await tasks.accept(probe, 2, { ...at(200), queue: 'reports', priority: 'bulk' });
    await tasks.accept(other, 1, { ...at(100), priority: 'low' });
    await tasks.accept(probe, 3, { ...at(300), queue: 'a', priority: 'high' });
    await tasks.accept(probe, 0);
    const [done, parked] = await queueTasks(fixture, 2);
    await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now() where id = $1`, [done]);
    await fixture.pool.query(
      `update holdfast.task set state = 'parked', run_at = 'infinity', resume_at = now() where id = $1`,
      [parked],
    );
  });

  it('are the queued tasks of all lanes in the order of their moments, by pages of any size', async () => {
    expect(await upcoming()).toEqual([0, 1, 2, 3, 4]);
    for (const limit of [1, 2, 5]) expect(await upcoming({ limit })).toEqual([0, 1, 2, 3, 4]);
    expect(await upcoming({ state: 'queued', queue: 'default' })).toEqual([0, 1, 4]);
    expect(await upcoming({ name: 'probe', limit: 2 })).toEqual([0, 2, 3, 4]);
  });

  it('tasks of the same moment are all found, each once', async () => {
    const runAt = new Date(Date.now() + 50_000);
    await tasks.acceptMany(probe, [10, 11, 12, 13, 14], { runAt });
    expect(await upcoming({ limit: 2 })).toEqual([0, 10, 11, 12, 13, 14, 1, 2, 3, 4]);
  });
});

it('only queued tasks have a next one, and a cursor is one of its own', async () => {
  expect(await upcoming()).toEqual([]);
  await expect(tasks.list({ order: 'next', state: 'done' })).rejects.toThrow(
    'order: is next, which only queued tasks have; the state asked for is done',
  );
  await expect(tasks.list({ order: 'next', after: '17' })).rejects.toThrow(InvalidTaskError);
});
