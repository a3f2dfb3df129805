import fc from 'fast-check';
import type { AsyncCommand } from 'fast-check';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { LedgerModel, ModelTask } from './ledger-model';
import { QUEUES, step, WORKERS } from './system';
import type { System } from './system';

type Command = AsyncCommand<LedgerModel, System>;
type Run = (model: LedgerModel, system: System) => Promise<void>;

/** A command that shows its parameters and is followed by a comparison of the whole ledger with the model. */
function command(name: string, given: unknown, run: Run): Command {
  return {
    check: () => true,
    run: async (model, system) => {
      await run(model, system);
      await compare(model, system);
    },
    toString: () => `${name}(${JSON.stringify(given)})`,
  };
}

/** Every task is in the ledger as the model has it, and every effect exists as often as it must. */
export async function compare(model: LedgerModel, { fixture }: System): Promise<void> {
  const rows = await fixture.rows<{ id: string; state: string; fence: number; attempts: number; effects: number }>(
    `select uuid as id, state, fence, attempts, (select count(*)::int from effect where task = uuid) as effects
     from holdfast.task order by id`,
  );
  const expected = model.all().map(({ id, state, fence, attempts, effects }) => ({
    ...{ id, state, fence, attempts },
    effects: effects ? 1 : 0,
  }));
  expect(rows.sort(byId)).toEqual(expected.sort(byId));
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/** What a claim brought: exactly these tasks, each under the next fence. */
function claimed(
  model: LedgerModel,
  worker: number,
  expected: readonly ModelTask[],
  tasks: readonly ClaimedTask[],
): void {
  const seen = tasks.map(({ uuid, fence, attempt }) => ({ id: uuid, fence, attempt }));
  expect(seen.sort(byId)).toEqual(
    expected.map(({ id, fence, attempts }) => ({ id, fence: fence + 1, attempt: attempts + 1 })).sort(byId),
  );
  for (const task of expected) model.claimed(task, worker);
}

/** One task that this worker believes to have in hand, if any; it is no longer in hand after its end. */
function fromHand(system: System, worker: number, which: number): ClaimedTask | undefined {
  const { hand } = system.workers[worker]!;
  return hand.splice(which % Math.max(1, hand.length), 1)[0];
}

const queue = fc.constantFrom(...QUEUES);
const worker = fc.constantFrom(...WORKERS);
const which = fc.nat(50);

const accept = fc.record({ queue, attempts: fc.integer({ min: 1, max: 3 }) }).map((given) =>
  command('accept', given, async (model, { tasks }) => {
    const { id } = await tasks.accept(step, {}, given);
    model.add(id, given.queue, given.attempts);
  }),
);

const rollBack = queue.map((name) =>
  command('accept and roll back', name, async (_, { tasks }) => {
    const broken = tasks.transaction(async (tx) => {
      await tasks.accept(tx, step, {}, { queue: name });
      throw new Error('rolled back');
    });
    await expect(broken).rejects.toThrow('rolled back');
  }),
);

const claim = fc.record({ worker, queue, limit: fc.integer({ min: 1, max: 4 }) }).map((given) =>
  command('claim the oldest', given, async (model, system) => {
    const expected = model.claimable(given.queue).slice(0, given.limit);
    claimed(model, given.worker, expected, await system.claim(given.worker, given.queue, given.limit));
  }),
);

/** Redis may hand out anything: ids of tasks in any state, of another queue, twice, invented ones. */
const claimByIds = fc.record({ worker, queue, ids: fc.array(which, { maxLength: 6 }) }).map((given) =>
  command('claim by ids', given, async (model, system) => {
    const known = await system.fixture.rows<{ id: string; uuid: string }>(
      'select id, uuid from holdfast.task order by id',
    );
    const picked = given.ids.map((n) => known[n]).filter((row) => row !== undefined);
    const expected = model.claimable(given.queue).filter(({ id }) => picked.some(({ uuid }) => uuid === id));
    const ids = [...picked.map(({ id }) => id), '999999999', 'films'];
    claimed(model, given.worker, expected, await system.claimByIds(given.worker, given.queue, ids));
  }),
);

const done = fc.record({ worker, which, effects: fc.boolean() }).map((given) =>
  command('done', given, async (model, system) => {
    const task = fromHand(system, given.worker, given.which);
    if (task === undefined) return;
    const ending = await (given.effects ? system.doneWithEffects(task) : system.done(task));
    const ours = model.owns(task.uuid, task.fence);
    expect(ending).toBe(ours ? 'done' : 'fenced-off');
    if (ours) model.done(model.tasks.get(task.uuid)!, given.effects);
  }),
);

const verdict = fc.constantFrom('retry', 'retry', 'dead', 'cancelled', 'parked', 'snoozed');
const failed = fc.record({ worker, which, verdict }).map((given) =>
  command('failed', given, async (model, system) => {
    const task = fromHand(system, given.worker, given.which);
    if (task === undefined) return;
    const ending = await system.failed(task, given.verdict);
    const ours = model.owns(task.uuid, task.fence);
    if (ours) model.failed(model.tasks.get(task.uuid)!, given.verdict);
    expect(ending).toBe(ours ? model.tasks.get(task.uuid)!.state : 'fenced-off');
  }),
);

const giveBack = worker.map((index) =>
  command('give back', index, async (model, system) => {
    for (const { uuid, fence } of system.workers[index]!.hand) {
      if (model.owns(uuid, fence)) model.givenBack(model.tasks.get(uuid)!);
    }
    await system.giveBack(index);
  }),
);

const lose = worker.map((index) =>
  command('lose the worker', index, async (model, system) => {
    await system.lose(index);
    for (const task of model.all()) if (task.state === 'running' && task.worker === index) model.takenBack(task);
  }),
);

const timePasses = fc.constant(
  command('time passes', null, async (model, system) => {
    await system.timePasses();
    model.timePasses();
  }),
);

const retry = which.map((n) =>
  command('retry by hand', n, async (model, { tasks }) => {
    const task = model.all()[n];
    if (task === undefined) return;
    if (task.state === 'dead' || task.state === 'cancelled') {
      await tasks.retry(task.id);
      model.retried(task);
    } else {
      await expect(tasks.retry(task.id)).rejects.toThrow(/only a dead or cancelled task can be retried/);
    }
  }),
);

export const ALL_COMMANDS = [
  ...[accept, accept, accept, rollBack, claim, claim, claimByIds, done, done, failed, failed],
  ...[giveBack, lose, lose, timePasses, retry],
];
