import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM } from '../support/statements';
import { queueTasks, taskRow, taskRows, workerRow } from '../support/task-rows';
import type { TaskFields } from '../support/task-rows';

let fixture: LedgerFixture;
let ledger: Ledger;
let claimer: Claimer;
let worker: string;
const holders: Client[] = [];

beforeAll(async () => {
  fixture = await ledgerFixture();
  // A claim that waits for a lock fails here instead of being slow.
  ledger = new Ledger({ connectionString: fixture.url, lock_timeout: 200 }, 15, recordingLogger());
  claimer = new Claimer(ledger, ['probe@1'], ['default']);
});
beforeEach(async () => {
  await fixture.pool.query('truncate holdfast.task, holdfast.claim, holdfast.worker cascade');
  worker = await workerRow(fixture);
});
afterEach(async () => {
  await Promise.all(holders.splice(0).map((holder) => holder.end()));
});
afterAll(async () => {
  await ledger.close();
  await fixture.drop();
});

/** A connection whose transaction stays open until it is ended, at the latest with the test. */
async function holding(): Promise<Client> {
  const client = await fixture.connect();
  holders.push(client);
  await client.query('begin');
  return client;
}

const DEFAULT_LANE = [{ queue: 'default', priority: 1 }];
const idsOf = (tasks: readonly { readonly id: string }[]): string[] =>
  tasks.map((task) => task.id).sort((a, b) => Number(a) - Number(b));

describe('two claimers', () => {
  it('with the same ids claim each task once, and neither waits for the other', async () => {
    const ids = await queueTasks(fixture, 10);
    const other = await workerRow(fixture);
    const held = await holding();
    const first = await held.query<{ id: string }>(CLAIM.by_id, [other, ['probe@1'], ids.slice(0, 6), ['default']]);

    const second = await claimer.byId(worker, ids);
    await held.query('commit');

    expect(idsOf(first.rows)).toEqual(ids.slice(0, 6));
    expect(idsOf(second)).toEqual(ids.slice(6));
    expect(await claimer.byId(worker, ids)).toEqual([]);
    expect((await taskRows(fixture, ids)).map((row) => row.fence)).toEqual(ids.map(() => 1));
  });

  it('that both ask the ledger for the oldest tasks share them without waiting', async () => {
    const ids = await queueTasks(fixture, 10);
    const other = await workerRow(fixture);
    const held = await holding();
    const first = await held.query<{ id: string }>(CLAIM.oldest, [other, ['probe@1'], ['default'], [1], 4]);

    const second = await claimer.oldest(worker, DEFAULT_LANE, 10);
    await held.query('commit');

    expect(idsOf(first.rows)).toEqual(ids.slice(0, 4));
    expect(idsOf(second)).toEqual(ids.slice(4));
  });

  it.each(['byId', 'oldest'] as const)(
    '%s leaves out a row that somebody else has locked, and takes it later',
    async (how) => {
      const ids = await queueTasks(fixture, 3);
      const claim = () => (how === 'byId' ? claimer.byId(worker, ids) : claimer.oldest(worker, DEFAULT_LANE, 10));
      const holder = await holding();
      await holder.query('select from holdfast.task where id = $1 for update', [ids[1]]);

      expect(idsOf(await claim())).toEqual([ids[0], ids[2]]);
      await holder.query('rollback');
      expect(idsOf(await claim())).toEqual([ids[1]]);
    },
  );
});

describe('a claim by ids rechecks', () => {
  const ways: [what: string, fields: TaskFields, change: string][] = [
    ['a task that runs', {}, `state = 'running', fence = 1, attempts = 1`],
    ['a task that is done', {}, `state = 'done', finished_at = now()`],
    ['a dead task', {}, `state = 'dead', dead_reason = 'attempts-exhausted', finished_at = now()`],
    ['a cancelled task', {}, `state = 'cancelled', finished_at = now()`],
    ['a waiting task', {}, `state = 'waiting'`],
    ['a parked task', {}, `state = 'parked'`],
    ['a task that is due later', { runInSeconds: 60 }, ''],
    ['a task of a queue that this worker does not serve', { queue: 'elsewhere' }, ''],
    ['a task of a name that this worker does not know', { name: 'unheard-of' }, ''],
    ['a task of a version that this worker does not know', { version: 2 }, ''],
  ];
  it.each(ways)('and leaves %s as it is, uncounted', async (_, fields, change) => {
    const [id] = await queueTasks(fixture, 1, fields);
    if (change !== '') await fixture.pool.query(`update holdfast.task set ${change}`);
    const before = await taskRow(fixture, id!);

    expect(await claimer.byId(worker, [id!])).toEqual([]);
    expect(await taskRow(fixture, id!)).toEqual(before);
    expect(await fixture.rows('select from holdfast.claim')).toEqual([]);
  });

  it('and drops ids that were invented, whatever they look like', async () => {
    const [id] = await queueTasks(fixture, 1);
    const invented = ['999999', '0', '-1', '01', '1e3', '', 'x', `${id} `, '{1}', '9'.repeat(40), id!, id!];
    expect(idsOf(await claimer.byId(worker, invented))).toEqual([id]);
  });
});

it('claims the oldest only of kinds that this worker knows, and only what is due', async () => {
  await queueTasks(fixture, 2, { version: 2 });
  await queueTasks(fixture, 2, { name: 'unheard-of' });
  await queueTasks(fixture, 2, { runInSeconds: 60 });
  const ids = await queueTasks(fixture, 2);
  expect(idsOf(await claimer.oldest(worker, DEFAULT_LANE, 10))).toEqual(ids);
});

it('never claims more of the oldest than the free slots, over all lanes together', async () => {
  await queueTasks(fixture, 5, { priority: 0 });
  await queueTasks(fixture, 5);
  const lanes = [0, 1, 2, 3].map((priority) => ({ queue: 'default', priority }));
  expect(await claimer.oldest(worker, lanes, 7)).toHaveLength(7);
  expect(await fixture.rows(`select from holdfast.task where state = 'running'`)).toHaveLength(7);
});

it.each(['byId', 'oldest'] as const)('%s writes down exactly what it claimed, in the same statement', async (how) => {
  const ids = await queueTasks(fixture, 4);
  const asked = [...ids, '999999'];
  const tasks = how === 'byId' ? await claimer.byId(worker, asked) : await claimer.oldest(worker, DEFAULT_LANE, 9);

  const claims = await fixture.rows<{ id: string; worker_id: string; task_ids: string[]; xmin: string }>(
    'select id, worker_id, task_ids, xmin::text from holdfast.claim',
  );
  expect(claims).toHaveLength(1);
  expect(claims[0]).toMatchObject({ worker_id: worker, id: tasks[0]!.claimId });
  expect(claims[0]!.task_ids.sort((a, b) => Number(a) - Number(b))).toEqual(ids);
  const transactions = await fixture.rows<{ xmin: string }>('select distinct xmin::text from holdfast.task');
  expect(transactions).toEqual([{ xmin: claims[0]!.xmin }]);

  await claimer.byId(worker, asked);
  await claimer.oldest(worker, DEFAULT_LANE, 9);
  expect(await fixture.rows('select from holdfast.claim')).toHaveLength(1);
});

it.each(['expired', 'never registered'])('a worker that is %s claims nothing', async (which) => {
  const ids = await queueTasks(fixture, 2);
  await fixture.pool.query('update holdfast.worker set expired_at = now()');
  const id = which === 'expired' ? worker : randomUUID();
  expect(await claimer.byId(id, ids)).toEqual([]);
  expect(await claimer.oldest(id, DEFAULT_LANE, 10)).toEqual([]);
});

it('the fence and the attempts grow by one at every claim', async () => {
  const [id] = await queueTasks(fixture, 1);
  for (const claim of [1, 2, 3]) {
    const [task] = claim === 2 ? await claimer.oldest(worker, DEFAULT_LANE, 1) : await claimer.byId(worker, [id!]);
    expect(task).toMatchObject({ id, fence: claim, attempt: claim, maxAttempts: 5 });
    expect(await taskRow(fixture, id!)).toMatchObject({
      state: 'running',
      fence: claim,
      attempts: claim,
      worker_id: worker,
    });
    await fixture.pool.query(`update holdfast.task set state = 'queued', worker_id = null`);
  }
});

it('asks the lanes in the order given, and within a lane takes what has been due longest', async () => {
  const [young] = await queueTasks(fixture, 1, { priority: 2, runInSeconds: -10 });
  const [old] = await queueTasks(fixture, 1, { priority: 2, runInSeconds: -50 });
  const [middle] = await queueTasks(fixture, 1, { priority: 2, runInSeconds: -30 });
  const [urgent] = await queueTasks(fixture, 1, { priority: 0 });
  const lanes = [2, 0].map((priority) => ({ queue: 'default', priority }));
  const order: string[] = [];
  for (let take = 0; take < 4; take += 1) order.push((await claimer.oldest(worker, lanes, 1))[0]!.id);
  expect(order).toEqual([old, middle, young, urgent]);
});
