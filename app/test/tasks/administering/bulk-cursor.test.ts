import { InvalidTaskError } from '../../../src/tasks';
import type { BulkCounts, BulkFilter, BulkOptions, Tasks } from '../../../src/tasks';
import { ADMINISTER_STATEMENTS, Bulk } from '../../../src/tasks/administering/bulk';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { queueTasks, taskRows } from '../support/task-rows';
import { workerParts } from '../support/worker-parts';

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

type RunBulk = (filter: BulkFilter, options: BulkOptions) => Promise<BulkCounts>;

/** Stops after one batch. */
function oneBatch(run: RunBulk, filter: BulkFilter, after?: string): Promise<BulkCounts> {
  const stop = new AbortController();
  const options = { signal: stop.signal, onProgress: () => stop.abort() };
  return run(filter, after === undefined ? options : { ...options, after });
}

async function stateOf(condition: string): Promise<string[]> {
  const rows = await fixture.rows<{ state: string }>(
    `select distinct state from holdfast.task where ${condition} order by 1`,
  );
  return rows.map(({ state }) => state);
}

function end(state: 'dead' | 'cancelled', condition = 'true'): Promise<unknown[]> {
  return fixture.rows(
    `update holdfast.task set state = $1::text, dead_reason = case $1::text when 'dead' then 'no use' end, finished_at = now()
     where ${condition}`,
    [state],
  );
}

const park = (condition: string): Promise<unknown[]> =>
  fixture.rows(`update holdfast.task set state = 'parked', resume_at = run_at, run_at = 'infinity' where ${condition}`);

/** A cursor with something of it changed. */
function tampered(cursor: string, position: number, value: unknown): string {
  const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
  parts[position] = value;
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

it('a bulk goes on behind the tasks that it has done, and what was accepted after its beginning is not meant', async () => {
  await queueTasks(fixture, 2_500);
  await fixture.rows(`update holdfast.task set run_at = now() + interval '1 s' * id where id > 2000`);
  const cancelAll: RunBulk = (...args) => tasks.cancelAll(...args);
  const first = await oneBatch(cancelAll, { queue: 'default' });
  expect(first).toMatchObject({ changed: 1_000, complete: false });
  // Before the place would be found by a bulk that begins again, behind it by one with a later beginning.
  await queueTasks(fixture, 1, { runInSeconds: -3_600 });
  await queueTasks(fixture, 1, { runInSeconds: 3_600 });
  const second = await oneBatch(cancelAll, { queue: 'default' }, first.next!);
  expect(second).toMatchObject({ changed: 1_000, complete: false });
  const third = await tasks.cancelAll({ queue: 'default' }, { after: second.next! });
  expect(third).toEqual({ changed: 500, requested: 0, left: 0, complete: true, next: null });
  expect(await stateOf('id > 2500')).toEqual(['queued']);
});

it('a bulk that was stopped before it began has a cursor from which it does everything', async () => {
  await queueTasks(fixture, 2);
  await park('id = 2');
  const counts = await tasks.cancelAll({ queue: 'default' }, { signal: AbortSignal.abort() });
  expect(counts).toMatchObject({ changed: 0, left: 0, complete: false });
  expect(await tasks.cancelAll({ queue: 'default' }, { after: counts.next! })).toMatchObject({ changed: 2 });
});

it('tasks out of their lanes are behind all others, and a bulk goes on there as well', async () => {
  await queueTasks(fixture, 1_500);
  await park('true');
  const cancelAll: RunBulk = (...args) => tasks.cancelAll(...args);
  const first = await oneBatch(cancelAll, { queue: 'default' });
  expect(await tasks.cancelAll({ queue: 'default' }, { after: first.next! })).toMatchObject({ changed: 500, left: 0 });
});

it('a row that somebody held in an earlier call is found by a later one', async () => {
  await queueTasks(fixture, 1_001);
  const holder = await fixture.connect();
  await holder.query('begin');
  await holder.query('select from holdfast.task where id = 1 for no key update');
  const first = await oneBatch((...args) => tasks.cancelAll(...args), { name: 'probe' });
  expect(first).toMatchObject({ changed: 999, left: 1 });
  await holder.query('commit');
  const second = await tasks.cancelAll({ name: 'probe' }, { after: first.next! });
  expect(second).toMatchObject({ changed: 2, left: 0, complete: true });
});

it('a retry that is stopped goes on behind the last task that it has tried, also when that could not be queued', async () => {
  const ids = await queueTasks(fixture, 4);
  await end('dead');
  const uuids = (await taskRows(fixture, ids)).map(({ uuid }) => uuid);
  const parts = workerParts(fixture.url);
  const tried: string[] = [];
  const stopped = (after?: string): Promise<BulkCounts> => {
    const stop = new AbortController();
    const options = { signal: stop.signal, ...(after !== undefined && { after }) };
    return new Bulk(parts.ledger).retry({ name: 'probe' }, options, (uuid) => {
      tried.push(uuid);
      stop.abort();
      return Promise.resolve(tried.length > 1);
    });
  };
  let answer = await stopped();
  expect(answer).toMatchObject({ changed: 0, left: 1, complete: false });
  for (let calls = 2; calls <= 4; calls += 1) {
    answer = await stopped(answer.next!);
    expect(answer).toMatchObject({ changed: 1, left: 1, complete: false });
  }
  expect(await stopped(answer.next!)).toEqual({ changed: 0, requested: 0, left: 1, complete: true, next: null });
  expect(tried).toEqual(uuids);
  await parts.close();
});

it('cancelled tasks are retried in bulk when they are named, page by page, and otherwise left as they are', async () => {
  const ids = await queueTasks(fixture, 10_020);
  await fixture.rows(`update holdfast.task set queue = 'other' where id > 2 and id <= 10018`);
  await end('cancelled');
  await queueTasks(fixture, 3);
  expect(await tasks.retryAll({ queue: 'default' })).toMatchObject({ changed: 0, left: 0 });
  const counts = await tasks.retryAll({ queue: 'default', state: 'cancelled' });
  expect(counts).toEqual({ changed: 4, requested: 0, left: 0, complete: true, next: null });
  const [first, last] = await taskRows(fixture, [ids[0]!, ids.at(-1)!]);
  expect([first, last]).toMatchObject([
    { state: 'queued', max_attempts: 5 },
    { state: 'queued', max_attempts: 5 },
  ]);
  expect(await stateOf(`queue = 'other'`)).toEqual(['cancelled']);
});

it('parked tasks are found without those that are out of their lanes for other reasons', async () => {
  await queueTasks(fixture, 5);
  await park('id <= 4');
  await fixture.rows(`update holdfast.task set state = 'waiting' where id = 1`);
  await fixture.rows(`update holdfast.task set state = 'queued', crashes = 2 where id = 2`);
  expect(await tasks.discardAll({ queue: 'default' })).toMatchObject({ changed: 2, left: 0 });
  expect(await taskRows(fixture, ['1', '2', '3', '4', '5'])).toMatchObject([
    { state: 'waiting' },
    { state: 'queued' },
    { state: 'cancelled' },
    { state: 'cancelled' },
    { state: 'queued' },
  ]);
  await park('id = 5');
  expect(await tasks.cancelAll({ queue: 'default', state: 'parked' })).toMatchObject({ changed: 1 });
});

it('a bulk finds parked, dead and cancelled tasks by an index each', async () => {
  await queueTasks(fixture, 3_000);
  await end('dead', 'id % 3 = 0');
  await end('cancelled', 'id % 3 = 1');
  await park('id % 300 = 2');
  await fixture.pool.query('analyze holdfast.task');
  const sql = loadStatements(`${__dirname}/../../../src/tasks/administering`, 'administer.sql', ADMINISTER_STATEMENTS);
  for (const [source, index] of [
    ['parked', 'task_parked'],
    ['dead', 'task_dead'],
    ['cancelled', 'task_pkey'],
  ] as const) {
    const plan = await fixture.rows<{ 'QUERY PLAN': string }>(`explain ${sql[source]}`, [
      [source],
      ...[null, 'probe', new Date(), 10, '5'],
    ]);
    const text = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(text).toContain(`Index Scan using ${index} on task`);
    expect(text).not.toContain('Seq Scan');
  }
});

describe('a cursor', () => {
  let cursor: string;
  const goOn = (after: string): Promise<BulkCounts> => tasks.cancelAll({ queue: 'default' }, { after });
  beforeEach(async () => {
    await queueTasks(fixture, 1);
    cursor = (await tasks.cancelAll({ queue: 'default' }, { signal: AbortSignal.abort() })).next!;
  });

  it('of another action or filter is refused', async () => {
    const another = 'after: is the cursor of a bulk of another kind or filter; go on with the same';
    await expect(tasks.discardAll({ queue: 'default' }, { after: cursor })).rejects.toThrow(another);
    for (const filter of [{ queue: 'other' }, { name: 'default' }, { queue: 'default', state: 'queued' as const }]) {
      await expect(tasks.cancelAll(filter, { after: cursor })).rejects.toThrow(another);
    }
    const acceptedBefore = new Date();
    await expect(tasks.cancelAll({ queue: 'default', acceptedBefore }, { after: cursor })).rejects.toThrow(another);
    expect(await stateOf('true')).toEqual(['queued']);
  });

  it('of another form is refused', async () => {
    for (const text of ['', '7', 'zz!', 'e30', Buffer.from('[]').toString('base64url')]) {
      await expect(goOn(text)).rejects.toThrow(InvalidTaskError);
      await expect(goOn(text)).rejects.toThrow('after: is not the cursor of a bulk');
    }
    for (const [position, value] of [
      [2, 'yesterday'],
      [2, '2026-02-30T00:00:00.000Z'],
      [3, 4],
      [4, -1],
      [5, 'dead'],
      [6, 'A b'],
      [7, 40_000],
      [8, 'now'],
      [9, '99999999999999999999'],
      [9, 7],
    ] as const) {
      await expect(goOn(tampered(cursor, position, value))).rejects.toThrow('after: is not the cursor of a bulk');
    }
    expect(await stateOf('true')).toEqual(['queued']);
  });
});
