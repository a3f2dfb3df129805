import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { DispatchItem } from '../../../src/tasks/dispatching/dispatcher';
import { Finisher } from '../../../src/tasks/finishing/finisher';
import { FLOWS } from '../../../src/tasks/flows/flow-statements';
import { Promoter } from '../../../src/tasks/flows/promoter';
import { retryTasks } from '../../../src/tasks/flows/reviving';
import { flowSweep } from '../../../src/tasks/flows/sweep';
import type { ChoreResult } from '../../../src/tasks/maintaining/housekeeper';
import { InHand } from '../../../src/tasks/running/in-hand';
import type { Transaction } from '../../../src/tasks';
import { connectionRefused } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';
import { flowFixture, step } from './flow-fixture';
import type { FlowFixture } from './flow-fixture';

/*
 * However many wait for one task, its end is one statement, and each of those that settle its children looks at a bounded
 * number of them. What a death leaves between two of them the sweep finds.
 */
let fixture: FlowFixture;
let parts: TestParts;
beforeEach(async () => {
  fixture = await flowFixture();
  parts = workerParts(fixture.url);
});
afterEach(async () => {
  await parts.close();
  await fixture.close();
});

const parent = async (): Promise<string> => (await fixture.tasks.accept(step, {})).id;

/** Writes tasks that wait, each for one of the parents (bigint ids) in turn, and returns their ids. */
async function childrenOf(parents: readonly string[], count: number): Promise<string[]> {
  const rows = await fixture.rows<{ id: string }>(
    `with parent as (select id, position from unnest($1::bigint[]) with ordinality as p (id, position)),
     child as (
       insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, resume_at, max_attempts, budget,
                                  time_limit_seconds, state)
       select gen_random_uuid(), 'step', 1, 'default', 1, '{}', 'infinity', now(), 5, 5, 60, 'waiting'
       from generate_series(1, $2::integer) returning id
     ), edge as (
       insert into holdfast.dependency (child_id, parent_id)
       select child.id, parent.id from (select id, row_number() over (order by id) as n from child) as child
       join parent on parent.position = 1 + child.n % $3
     )
     select id from child`,
    [parents, count, parents.length],
  );
  return rows.map(({ id }) => id);
}

async function counts(): Promise<Record<string, number>> {
  const rows = await fixture.rows<{ state: string; count: number }>(
    'select state, count(*)::integer from holdfast.task group by state order by state',
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** The parent, claimed, and a finisher that promotes; what is handed over is counted by piece. */
async function running(uuid: string): Promise<{ task: ClaimedTask; finisher: Finisher; pieces: number[] }> {
  const { ledger, acceptor, counters, logger } = parts;
  const pieces: number[] = [];
  const push = (items: readonly DispatchItem[]): void => void pieces.push(items.length);
  const promoter = new Promoter({ ledger, logger, dispatcher: { push } });
  const transaction = <T>(fn: Parameters<typeof acceptor.transaction<T>>[0]): Promise<T> => acceptor.transaction(fn);
  const ended = (id: string): void => promoter.ended(id);
  const finisher = new Finisher(ledger, transaction, new InHand(), counters, logger, ended);
  const claimer = new Claimer(ledger, ['step@1'], ['default']);
  const [task] = await claimer.byId(await workerRow(fixture, ['step@1']), [(await taskRow(fixture, uuid)).id]);
  return { task: task!, finisher, pieces };
}

/** Steps of a sweep of its own, as a process does them, until there is nothing more to do at once. */
async function sweepOnce(step: (tx: Transaction) => Promise<ChoreResult>): Promise<ChoreResult> {
  return parts.acceptor.transaction(step);
}

it('a parent of 5,000 ends at once, and its children are let go in pieces of at most 1,000', async () => {
  const uuid = await parent();
  await childrenOf([(await taskRow(fixture, uuid)).id], 5_000);
  const { task, finisher, pieces } = await running(uuid);
  const held = gate();
  parts.ledger.before(FLOWS.settle_children, () => held.opened);
  expect(await finisher.done(task)).toBe('done');
  expect(await counts()).toEqual({ done: 1, waiting: 5_000 });
  held.open();
  await until('all have been let go', async () => (await counts()).queued === 5_000);
  await until('all are handed over', () => pieces.reduce((sum, one) => sum + one, 0) === 5_000);
  expect(Math.max(...pieces)).toBe(1_000);
  expect(await fixture.rows('select from holdfast.dependency where open')).toEqual([]);
});

it('who dies between two pieces loses nothing: the sweep goes on', async () => {
  const uuid = await parent();
  await childrenOf([(await taskRow(fixture, uuid)).id], 5_000);
  const { task, finisher } = await running(uuid);
  parts.ledger.before(FLOWS.settle_children, () => {
    if (parts.ledger.answered(FLOWS.settle_children) >= 2) connectionRefused();
  });
  await finisher.done(task);
  await until('the third piece was tried', () => parts.ledger.count(FLOWS.settle_children) === 3);
  expect(await counts()).toEqual({ done: 1, queued: 2_000, waiting: 3_000 });
  const sweep = flowSweep(parts.logger);
  const first = await sweepOnce((tx) => sweep.step(tx));
  expect([first.dispatch?.length, first.more]).toEqual([2_000, true]);
  await sweepOnce((tx) => sweep.step(tx));
  expect(await counts()).toEqual({ done: 1, queued: 5_000 });
});

it('those who end meanwhile are promoted between the pieces', async () => {
  const [wide, other] = [await parent(), await parent()];
  await childrenOf([(await taskRow(fixture, wide)).id], 3_000);
  const [late] = await childrenOf([(await taskRow(fixture, other)).id], 1);
  const { task, finisher } = await running(wide);
  const [inside, held] = [gate(), gate()];
  parts.ledger.before(FLOWS.settle_children, () => {
    inside.open();
    return held.opened;
  });
  await finisher.done(task);
  await inside.opened;
  const { id } = await taskRow(fixture, other);
  const claimer = new Claimer(parts.ledger, ['step@1'], ['default']);
  const [second] = await claimer.byId(await workerRow(fixture, ['step@1']), [id]);
  await finisher.done(second!);
  const statesWhenFound: unknown[] = [];
  parts.ledger.after(FLOWS.settle_children, async () => {
    if ((await taskRow(fixture, late!)).state === 'queued') statesWhenFound.push(await counts());
  });
  held.open();
  await until('all have been let go', async () => (await counts()).queued === 3_001);
  expect(statesWhenFound[0]).toMatchObject({ waiting: 1_000 });
});

describe('generations that are cancelled one after the other', () => {
  it('are followed in bounded steps, however many there are and whoever takes the next step', async () => {
    const uuid = await parent();
    const [root] = [(await taskRow(fixture, uuid)).id];
    const children = await childrenOf([root], 500);
    const grandchildren = await childrenOf(children, 1_500);
    await childrenOf(grandchildren, 1_500);
    await fixture.end(uuid, 'dead');
    const total = 3_500;
    let last = 0;
    for (let steps = 0; ; steps += 1) {
      // Each step by a process that knows nothing of the one before.
      const sweep = flowSweep(parts.logger);
      const { more } = await sweepOnce((tx) => sweep.step(tx));
      const { cancelled = 0 } = await counts();
      expect(cancelled - last).toBeLessThan(3_000);
      last = cancelled;
      if (more !== true) break;
      expect(steps).toBeLessThan(20);
    }
    expect(await counts()).toEqual({ cancelled: total, dead: 1 });
  });

  it('of a chain that is longer than a step follows', async () => {
    const uuid = await parent();
    let generation = [(await taskRow(fixture, uuid)).id];
    for (let n = 0; n < 30; n += 1) generation = await childrenOf(generation, 1);
    await fixture.end(uuid, 'dead');
    const sweep = flowSweep(parts.logger, 1);
    let steps = 0;
    while ((await sweepOnce((tx) => sweep.step(tx))).more === true) steps += 1;
    expect(await counts()).toEqual({ cancelled: 30, dead: 1 });
    expect(steps).toBeGreaterThan(2);
  });

  it('wait again, all or none, when their root is retried: in pieces, too', async () => {
    const uuid = await parent();
    const children = await childrenOf([(await taskRow(fixture, uuid)).id], 2_500);
    await childrenOf(children, 2_500);
    await fixture.end(uuid, 'dead');
    const sweep = flowSweep(parts.logger);
    while ((await sweepOnce((tx) => sweep.step(tx))).more === true);
    expect(await counts()).toEqual({ cancelled: 5_000, dead: 1 });
    const pieces: number[] = [];
    const counted = (tx: Transaction): Transaction => ({
      query: async (text, values) => {
        const answer = await tx.query<never>(text, values);
        if (text === FLOWS.revive_children) pieces.push(answer.rows.length);
        return answer;
      },
    });
    const dying = parts.acceptor.transaction(async (tx) => {
      await retryTasks(counted(tx), [uuid]);
      throw new Error('dies before the commit');
    });
    await expect(dying).rejects.toThrow('dies before the commit');
    expect(await counts()).toEqual({ cancelled: 5_000, dead: 1 });
    expect(Math.max(...pieces)).toBe(1_000);
    await fixture.tasks.retry(uuid);
    expect(await counts()).toEqual({ queued: 1, waiting: 5_000 });
  });
});
