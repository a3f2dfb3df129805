import type { Client } from 'pg';
import { TaskStateError } from '../../../src/tasks';
import { FLOWS } from '../../../src/tasks/flows/flow-statements';
import { retryTasks } from '../../../src/tasks/flows/reviving';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { untilWaiting } from '../support/waiting';
import { flowFixture, step } from './flow-fixture';
import type { FlowFixture } from './flow-fixture';

/*
 * Retrying a parent by hand revives whoever was cancelled because of it. Nobody works here: states are as the ledger's
 * statements leave them.
 */
let fixture: FlowFixture;
beforeEach(async () => {
  fixture = await flowFixture();
});
afterEach(() => fixture.close());

const parent = async (): Promise<string> => (await fixture.tasks.accept(step, {})).id;
const child = async (...after: readonly string[]): Promise<string> =>
  (await fixture.tasks.accept(step, {}, { after })).id;

/** A dead task, one that waits for it, and one that waits for that. */
async function chain(): Promise<[root: string, middle: string, last: string]> {
  const root = await parent();
  const middle = await child(root);
  const last = await child(middle);
  await fixture.end(root, 'dead');
  return [root, middle, last];
}

it('those that were cancelled because of it, and because of those, wait again', async () => {
  const [root, middle, last] = await chain();
  await fixture.sweep();
  expect(await fixture.states(root, middle, last)).toEqual(['dead', 'cancelled', 'cancelled']);
  await fixture.tasks.retry(root);
  expect(await fixture.states(root, middle, last)).toEqual(['queued', 'waiting', 'waiting']);
  expect(await fixture.tasks.get(last)).toMatchObject({ error: null, finishedAt: null });
  await fixture.end(root, 'done');
  await fixture.sweep();
  expect(await fixture.states(middle, last)).toEqual(['queued', 'waiting']);
});

it('of a cancelled parent as of a dead one; what was cancelled for another reason stays so', async () => {
  const root = await parent();
  const [because, byHand, alsoWaits] = [await child(root), await child(root), await child(root, await parent())];
  await fixture.pool.query(
    `update holdfast.task set state = 'cancelled', finished_at = now() where uuid = any ($1::uuid[])`,
    [[root, byHand]],
  );
  await fixture.sweep();
  expect(await fixture.states(because, byHand, alsoWaits)).toEqual(['cancelled', 'cancelled', 'cancelled']);
  await fixture.tasks.retry(root);
  expect(await fixture.states(root, because, byHand, alsoWaits)).toEqual(['queued', 'waiting', 'cancelled', 'waiting']);
});

it('a child whose unique key somebody else holds by now stays cancelled', async () => {
  const [root, middle] = await chain();
  await fixture.pool.query(`update holdfast.task set unique_key = 'k', held_key = 'k' where uuid = $1`, [middle]);
  await fixture.sweep();
  const other = await parent();
  await fixture.pool.query(`update holdfast.task set unique_key = 'k', held_key = 'k' where uuid = $1`, [other]);
  await fixture.tasks.retry(root);
  expect(await fixture.states(root, middle, other)).toEqual(['queued', 'cancelled', 'queued']);
});

it('of two that were cancelled under one unique key the first waits again, and bulks go on', async () => {
  const { tasks } = fixture;
  const parent = await tasks.accept(step, {});
  await fixture.end(parent.id, 'dead');
  const under = { uniqueKey: 'nightly', after: [parent.id] };
  const [first, second] = [await tasks.accept(step, {}, under), await tasks.accept(step, {}, under)];
  expect(await fixture.states(first.id, second.id)).toEqual(['cancelled', 'cancelled']);
  expect(await tasks.retryAll({ name: 'step' })).toMatchObject({ changed: 1, complete: true });
  expect(await fixture.states(parent.id, first.id, second.id)).toEqual(['queued', 'waiting', 'cancelled']);
});

it('one whose parents are being pruned at that moment is queued: nothing is left to wait for', async () => {
  const { tasks } = fixture;
  const parent = await tasks.accept(step, {});
  const child = await tasks.accept(step, {}, { after: [parent.id] });
  await tasks.cancel(child.id);
  await fixture.end(parent.id, 'done');
  await fixture.sweep();
  const pruning = await fixture.connect();
  await pruning.query('begin');
  await pruning.query('delete from holdfast.dependency');
  await pruning.query('delete from holdfast.task where uuid = $1', [parent.id]);
  const retrying = tasks.retry(child.id);
  await untilWaiting(fixture, 1);
  await pruning.query('commit');
  expect(await retrying).toMatchObject({ state: 'queued' });
});

it('a child cannot be retried before the parent that cancelled it', async () => {
  const [root, middle] = await chain();
  await fixture.sweep();
  const before = await taskRow(fixture, middle);
  await expect(fixture.tasks.retry(middle)).rejects.toThrow(
    new TaskStateError(middle, 'cancelled', `task ${root} (step), for which it waited, is dead: retry that one`),
  );
  expect(await taskRow(fixture, middle)).toEqual(before);
});

it('one that was cancelled by hand while it waited waits again, and runs at once when its parents have ended', async () => {
  const [one, two] = [await parent(), await parent()];
  const [waits, runs] = [await child(one), await child(two)];
  await fixture.pool.query(
    `update holdfast.task set state = 'cancelled', finished_at = now() where uuid = any ($1::uuid[])`,
    [[waits, runs]],
  );
  await fixture.end(two, 'done');
  await fixture.tasks.retry(waits);
  await fixture.tasks.retry(runs);
  expect(await fixture.states(waits, runs)).toEqual(['waiting', 'queued']);
});

describe('closed interleavings', () => {
  it('a sweep that is cancelling the child at that moment: the retry waits for it and revives the child', async () => {
    const [root, middle, last] = await chain();
    const sweeping = await sweepHeldOpen(middle);
    const retried = fixture.tasks.retry(root);
    await somebodyWaitsForALock();
    await sweeping.query('commit');
    await retried;
    expect(await fixture.states(root, middle, last)).toEqual(['queued', 'waiting', 'waiting']);
  });

  it('a sweep that is cancelling the grandchild at that moment', async () => {
    const [root, middle, last] = await chain();
    const first = await sweepHeldOpen(middle);
    await first.query('commit');
    expect(await fixture.states(middle, last)).toEqual(['cancelled', 'waiting']);
    const sweeping = await sweepHeldOpen(last);
    const retried = fixture.tasks.retry(root);
    await somebodyWaitsForALock();
    await sweeping.query('commit');
    await retried;
    expect(await fixture.states(root, middle, last)).toEqual(['queued', 'waiting', 'waiting']);
  });

  it('a retry that has not committed: the sweep leaves the child alone', async () => {
    const [root, middle, last] = await chain();
    await fixture.tasks.transaction(async (tx) => {
      await retryTasks(tx, [root]);
      await fixture.sweep();
    });
    await fixture.sweep();
    expect(await fixture.states(root, middle, last)).toEqual(['queued', 'waiting', 'waiting']);
  });

  it('a child that is accepted as cancelled by a transaction that commits after the retry began', async () => {
    const root = await parent();
    await fixture.end(root, 'dead');
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await fixture.tasks.accept(client, step, {}, { after: [root] });
    const retried = fixture.tasks.retry(root);
    await somebodyWaitsForALock();
    await client.query('commit');
    await retried;
    expect(await fixture.states(root, id)).toEqual(['queued', 'waiting']);
  });
});

/** A sweep that has settled this one task and has not committed. */
async function sweepHeldOpen(uuid: string): Promise<Client> {
  const client = await fixture.connect();
  const { id } = await taskRow(fixture, uuid);
  await client.query('begin');
  const { rows } = await client.query(FLOWS.settle, [`{${id}}`]);
  expect(rows).toMatchObject([{ uuid, state: 'cancelled' }]);
  return client;
}

function somebodyWaitsForALock(): Promise<unknown> {
  return until('the retry waits', async () => {
    const waiting = await fixture.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  });
}
