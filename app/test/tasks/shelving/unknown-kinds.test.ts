import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Inspector } from '../../../src/tasks/inspecting/inspector';
import type { Chore, ChoreResult } from '../../../src/tasks/maintaining/housekeeper';
import { shelveChore, unshelveChore } from '../../../src/tasks/shelving/shelving.chores';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { CLAIM } from '../support/statements';
import { queueTasks, taskRow, taskRows, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

let fixture: LedgerFixture;
let parts: TestParts;
let shelve: Chore;
beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
  shelve = shelveChore(parts.logger);
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

function step(chore: Chore): Promise<ChoreResult> {
  return parts.acceptor.transaction((tx) => chore.step(tx));
}

/** As if what is unknown had been so for that long, and looked at all the while. */
async function unknownFor(seconds: number): Promise<void> {
  await fixture.pool.query('update holdfast.unknown_kind set since = now() - make_interval(secs => $1)', [seconds]);
}

const shelved = (): Promise<{ id: string }[]> =>
  fixture.rows(`select id from holdfast.task where shelved and run_at = 'infinity' order by id`);

it('what no living worker knows is left in its lane for half a minute: a restart of all workers shelves nothing', async () => {
  await workerRow(fixture);
  await queueTasks(fixture, 2, { name: 'stranger' });
  await step(shelve);
  expect(await shelved()).toEqual([]);
  await unknownFor(28);
  await step(shelve);
  expect(await shelved()).toEqual([]);

  // All workers are away, so that nobody looks; the first to come back begins anew.
  await fixture.pool.query(
    `update holdfast.unknown_kind set since = now() - interval '1 hour', seen_at = now() - interval '20 s'`,
  );
  await step(shelve);
  expect(await shelved()).toEqual([]);

  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toHaveLength(2);
});

it('shelved tasks are queued and uncounted, listed, in no backlog, and told once', async () => {
  await workerRow(fixture, ['probe@1', 'stranger@1']);
  const ids = await queueTasks(fixture, 3, { name: 'stranger', version: 2, runInSeconds: -60 });
  const [known] = await queueTasks(fixture, 1);
  const [later] = await queueTasks(fixture, 1, { name: 'stranger', version: 2, runInSeconds: 3600 });
  await step(shelve);
  await unknownFor(31);
  while ((await step(shelve)).more === true);
  expect((await shelved()).map(({ id }) => id)).toEqual(ids);
  for (const row of await taskRows(fixture, [...ids, known!, later!])) {
    expect(row).toMatchObject({ state: 'queued', attempts: 0, fence: 0 });
  }
  const status = await new Inspector(parts.ledger).status();
  expect(status.unknownKinds).toMatchObject([{ kind: 'stranger@2', queue: 'default', count: 3 }]);
  expect(status.unknownKinds[0]!.oldestAgeSeconds).toBeGreaterThanOrEqual(60);
  expect(status.queues).toMatchObject([{ name: 'default', backlog: 1, scheduled: 1 }]);

  // More of the same go at once, without another word.
  await queueTasks(fixture, 1, { name: 'stranger', version: 2 });
  await step(shelve);
  expect(await shelved()).toHaveLength(4);
  const said = parts.logger.saying('no living worker of the queue knows this kind');
  expect(said).toEqual([expect.objectContaining({ level: 'error', fields: { queue: 'default', kind: 'stranger@2' } })]);
});

it('suspects that no living worker of their queue knows are listed too, in no backlog, and left to a worker that does', async () => {
  await workerRow(fixture, ['probe@1'], ['default']);
  await workerRow(fixture, ['probe@1'], ['elsewhere']);
  const asleep = await workerRow(fixture, ['probe@1'], ['asleep']);
  const [suspect] = await queueTasks(fixture, 1, { name: 'stranger', runInSeconds: -60 });
  await queueTasks(fixture, 1, { name: 'stranger', queue: 'elsewhere' });
  await queueTasks(fixture, 1, { name: 'stranger', queue: 'asleep' });
  const [known] = await queueTasks(fixture, 1);
  await fixture.pool.query(`update holdfast.task set crashes = 2, run_at = 'infinity', resume_at = run_at`);
  const status = () => new Inspector(parts.ledger).status();
  await step(shelve);
  expect(await status()).toMatchObject({ unknownKinds: [] });
  await unknownFor(31);
  await step(shelve);
  const listed = (queue: string) => ({ kind: 'stranger@1', queue, count: 1 });
  const { unknownKinds, queues } = await status();
  expect(unknownKinds).toMatchObject([listed('asleep'), listed('default'), listed('elsewhere')]);
  expect(unknownKinds[1]!.oldestAgeSeconds).toBeGreaterThanOrEqual(60);
  const backlogs = (...counts: number[]) => counts.map((backlog) => ({ backlog, scheduled: 0 }));
  expect(queues).toMatchObject(backlogs(0, 1, 0));
  expect(parts.logger.saying('no living worker of the queue knows this kind')).toHaveLength(3);
  expect(await shelved()).toEqual([]);

  await workerRow(fixture, ['stranger@1'], ['default']);
  await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [asleep]);
  await step(shelve);
  await step(unshelveChore());
  expect(await status()).toMatchObject({ unknownKinds: [listed('elsewhere')], queues: backlogs(1, 2, 0) });
  for (const row of await taskRows(fixture, [suspect!, known!])) {
    expect(row).toMatchObject({ run_at: Infinity, crashes: 2, attempts: 0 });
  }
});

it('a kind that only workers of other queues know is shelved, for claims of its queue read past it, and is back with one of its own', async () => {
  await workerRow(fixture, ['stranger@1'], ['elsewhere']);
  await workerRow(fixture, ['probe@1'], ['default']);
  const [here] = await queueTasks(fixture, 1, { name: 'stranger' });
  await queueTasks(fixture, 1, { name: 'stranger', queue: 'elsewhere' });
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toEqual([{ id: here }]);
  expect(await step(unshelveChore())).toMatchObject({ dispatch: [] });

  await workerRow(fixture, ['stranger@1'], ['default']);
  expect(await step(unshelveChore())).toMatchObject({ dispatch: [{ id: here, queue: 'default', priority: 1 }] });
});

it('a queue without workers keeps its tasks in their lanes, so that its backlog starts one', async () => {
  await workerRow(fixture, ['probe@1'], ['default']);
  const asleep = await workerRow(fixture, ['probe@1'], ['asleep']);
  const [id] = await queueTasks(fixture, 1, { name: 'stranger', queue: 'asleep' });
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toEqual([{ id }]);

  await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [asleep]);
  expect(await step(unshelveChore())).toMatchObject({ dispatch: [{ id }] });
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toEqual([]);
  expect((await new Inspector(parts.ledger).status()).queues).toMatchObject([
    { name: 'asleep', backlog: 1 },
    { name: 'default', backlog: 0 },
  ]);
});

it('with a worker that knows them they are back where they were in their lanes', async () => {
  const ids = await queueTasks(fixture, 2, { name: 'stranger', runInSeconds: -60 });
  await queueTasks(fixture, 1, { name: 'other' });
  const before = await taskRow(fixture, ids[0]!);
  await workerRow(fixture);
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toHaveLength(3);
  expect(await step(unshelveChore())).toMatchObject({ dispatch: [] });

  const worker = await workerRow(fixture, ['stranger@1']);
  expect((await step(unshelveChore())).dispatch).toHaveLength(2);
  expect(await shelved()).toHaveLength(1);
  expect((await taskRow(fixture, ids[0]!)).run_at).toEqual(before.run_at);
  await step(shelve);
  expect(parts.logger.saying('knows this kind of task again')).toHaveLength(1);
  const claimer = new Claimer(parts.ledger, ['stranger@1'], ['default']);
  const claimed = await claimer.oldest(worker, [{ queue: 'default', priority: 1 }], 5);
  expect(claimed.map(({ id }) => id).sort()).toEqual(ids);
});

it('a worker that registers has its shelved tasks within seconds', async () => {
  await workerRow(fixture);
  const ids = await queueTasks(fixture, 3, { name: 'stranger' });
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  const stranger = defineTask({ name: 'stranger', payload: z.object({}) });
  await parts.startWorker({ handlers: [handle(stranger, () => Promise.resolve())], queues: [{ name: 'default' }] });
  await until('they are done', async () => (await taskRows(fixture, ids)).every(({ state }) => state === 'done'), 5);
});

it('a task that somebody else holds is left out, and found by a later look', async () => {
  await workerRow(fixture);
  const [held] = await queueTasks(fixture, 2, { name: 'stranger' });
  const other = await fixture.connect();
  await other.query('begin');
  await other.query('select from holdfast.task where id = $1 for update', [held]);
  await step(shelve);
  await unknownFor(31);
  await step(shelve);
  expect(await shelved()).toHaveLength(1);
  await other.query('rollback');
  await step(shelve);
  expect(await shelved()).toHaveLength(2);
});

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** Rows of the task table that the plan has looked at, also those that it then dropped. */
function rowsRead(node: PlanNode): number {
  const rows = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
  const own = node['Relation Name'] === 'task' ? rows : 0;
  return own + (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), 0);
}

it('what nobody knows slows claims only until it is shelved, however much of it there is', async () => {
  const worker = await workerRow(fixture);
  await queueTasks(fixture, 5_000, { name: 'stranger', runInSeconds: -60 });
  await queueTasks(fixture, 10);
  const cost = async (): Promise<number> => {
    const client = await fixture.connect();
    await client.query(`set enable_seqscan = off; set enable_bitmapscan = off; begin`);
    const values = [worker, ['probe@1'], ['default'], [1], 10];
    const plan = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `explain (analyze, format json) ${CLAIM.oldest}`,
      values,
    );
    expect((await client.query(`select from holdfast.task where state = 'running'`)).rowCount).toBe(10);
    await client.query('rollback');
    return rowsRead(plan.rows[0]!['QUERY PLAN'][0].Plan);
  };
  expect(await cost()).toBeGreaterThan(5_000);
  await step(shelve);
  await unknownFor(31);
  while ((await step(shelve)).more === true);
  expect(await shelved()).toHaveLength(5_000);
  expect(await cost()).toBeLessThanOrEqual(10 * 4);
});
