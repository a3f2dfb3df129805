import fc from 'fast-check';
import type { AsyncCommand } from 'fast-check';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { failedParent } from './ledger-model';
import type { LedgerModel, ModelTask } from './ledger-model';
import { QUEUES, step, WORKERS } from './system';
import type { System } from './system';

/** Attempts of what is accepted without saying how many. */
const BUDGET = 3;

type Command = AsyncCommand<LedgerModel, System>;
type Run = (model: LedgerModel, system: System) => Promise<void>;

/** A command that shows its parameters and is followed by a comparison of the whole ledger with the model. */
export function command(name: string, given: unknown, run: Run): Command {
  return {
    check: () => true,
    run: async (model, system) => {
      await run(model, system);
      await compare(model, system);
    },
    toString: () => `${name}(${JSON.stringify(given)})`,
  };
}

interface Seen {
  readonly id: string;
  readonly state: string;
  readonly fence: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly effects: number;
  readonly key: string | null;
}

const SEEN = `
  select uuid as id, state, fence, attempts, crashes, held_key as key,
         (select count(*)::int from effect where task = uuid) as effects
  from holdfast.task order by id`;

/** Every task is in the ledger as the model has it, and every effect exists as often as it must. */
export async function compare(model: LedgerModel, { fixture }: System): Promise<void> {
  const expected = model.all().map(({ id, state, fence, attempts, crashes, effects, held, key }): Seen => ({
    ...{ id, state, fence, attempts, crashes },
    effects: effects ? 1 : 0,
    key: held ? (key?.name ?? null) : null,
  }));
  expect((await fixture.rows<Seen>(SEEN)).sort(byId)).toEqual(expected.sort(byId));
}

/** Nothing is open in the ledger for what does not wait. */
export async function nothingLeftOpen({ fixture }: System): Promise<void> {
  const open = await fixture.rows(
    `select t.uuid, t.state from holdfast.dependency d join holdfast.task t on t.id = d.child_id
     where d.open and t.state <> 'waiting'`,
  );
  expect(open).toEqual([]);
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/** What a claim brought: exactly these tasks, each under the next fence. */
export function claimed(
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

export const queue = fc.constantFrom(...QUEUES);
export const worker = fc.constantFrom(...WORKERS);
const which = fc.nat(50);

const accept = fc.record({ queue, attempts: fc.integer({ min: 1, max: 3 }) }).map((given) =>
  command('accept', given, async (model, { tasks }) => {
    const { id } = await tasks.accept(step, {}, given);
    model.add({ id, queue: given.queue, budget: given.attempts });
  }),
);

const key = fc.constantFrom('a', 'b');

const acceptUnique = fc
  .record({ queue, key, until: fc.constantFrom('start' as const, 'finish' as const) })
  .map((given) =>
    command('accept under a unique key', given, async (model, { tasks }) => {
      const { until } = given;
      const answer = await tasks.accept(step, {}, { queue: given.queue, uniqueKey: { key: given.key, until } });
      const holder = model.holder(given.key);
      expect(answer).toMatchObject(holder === undefined ? { duplicate: false } : { duplicate: true, id: holder.id });
      if (holder !== undefined) return;
      model.add({ id: answer.id, queue: given.queue, budget: BUDGET, key: { name: given.key, until } });
    }),
  );

const acceptRequest = key.map((requestKey) =>
  command('accept under a request key', requestKey, async (model, { tasks }) => {
    const { id } = await tasks.accept(step, {}, { queue: QUEUES[0], requestKey });
    expect(id).toBe(model.requests.get(requestKey) ?? id);
    if (model.requests.has(requestKey)) return;
    model.requests.set(requestKey, id);
    model.add({ id, queue: QUEUES[0], budget: BUDGET });
  }),
);

const edge = fc.record({ which: fc.nat(50), onFailure: fc.constantFrom('cancel' as const, 'run' as const) });
const acceptAfter = fc.record({ queue, edges: fc.array(edge, { minLength: 1, maxLength: 3 }) }).map((given) =>
  command('accept after others', given, async (model, { tasks }) => {
    const all = model.all();
    const parents = all.flatMap((task, n) => {
      const found = given.edges.find(({ which }) => which % all.length === n);
      return found === undefined ? [] : [{ task, onFailure: found.onFailure }];
    });
    if (parents.length === 0) return;
    const after = parents.map(({ task, onFailure }) => ({ id: task.id, onFailure }));
    const { id } = await tasks.accept(step, {}, { queue: given.queue, after });
    model.add({ id, queue: given.queue, budget: BUDGET, parents });
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
    const expected = model.isOpen(given.queue) ? model.due(given.queue).slice(0, given.limit) : [];
    claimed(model, given.worker, expected, await system.claim(given.worker, given.queue, given.limit));
  }),
);

const claimLimited = fc.record({ worker, queue, limit: fc.integer({ min: 1, max: 4 }) }).map((given) =>
  command('claim as the limit allows', given, async (model, system) => {
    const most = model.maxRunning.get(given.queue);
    if (most === undefined) return;
    const room = Math.max(0, Math.min(given.limit, most - model.running(given.queue)));
    const expected = model.paused.has(given.queue) ? [] : model.due(given.queue).slice(0, room);
    claimed(model, given.worker, expected, await system.claimLimited(given.worker, given.queue, given.limit));
  }),
);

const claimSuspect = fc.record({ worker, queue }).map((given) =>
  command('claim one that runs alone', given, async (model, system) => {
    const most = model.maxRunning.get(given.queue);
    const room = !model.paused.has(given.queue) && model.running(given.queue) < (most ?? Infinity);
    const expected = room ? model.suspects(given.queue).slice(0, 1) : [];
    claimed(model, given.worker, expected, await system.claimSuspect(given.worker, given.queue, most !== undefined));
  }),
);

/** Redis may hand out anything: ids of tasks in any state, of another queue, twice, invented ones. */
const claimByIds = fc.record({ worker, queue, ids: fc.array(which, { maxLength: 6 }) }).map((given) =>
  command('claim by ids', given, async (model, system) => {
    const known = await system.fixture.rows<{ id: string; uuid: string }>(
      'select id, uuid from holdfast.task order by id',
    );
    const picked = given.ids.map((n) => known[n]).filter((row) => row !== undefined);
    const claimable = model.isOpen(given.queue) ? model.due(given.queue) : [];
    const expected = claimable.filter(({ id }) => picked.some(({ uuid }) => uuid === id));
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

const sweep = fc.constant(
  command('sweep', null, async (model, system) => {
    await system.sweep();
    model.sweep();
    await nothingLeftOpen(system);
  }),
);

const cancel = which.map((n) =>
  command('cancel by hand', n, async (model, { tasks }) => {
    const task = model.all()[n];
    if (task === undefined) return;
    if (['done', 'dead', 'cancelled'].includes(task.state)) {
      await expect(tasks.cancel(task.id)).rejects.toThrow(/only a task that is not finished can be cancelled/);
      return;
    }
    expect((await tasks.cancel(task.id))?.outcome).toBe(model.cancelled(task) ? 'cancelled' : 'requested');
  }),
);

const retry = which.map((n) =>
  command('retry by hand', n, async (model, { tasks }) => {
    const task = model.all()[n];
    if (task === undefined) return;
    const refusal = whyNoRetry(model, task);
    if (refusal !== undefined) {
      await expect(tasks.retry(task.id)).rejects.toThrow(refusal);
      return;
    }
    await tasks.retry(task.id);
    model.retried(task);
  }),
);

function whyNoRetry(model: LedgerModel, task: ModelTask): RegExp | undefined {
  if (task.state !== 'dead' && task.state !== 'cancelled') return /only a dead or cancelled task can be retried/;
  if (task.key !== undefined && model.holder(task.key.name) !== undefined) return /unique key/;
  if (task.fence === 0 && failedParent(task) !== undefined) return /retry that one/;
  return undefined;
}

const pause = queue.map((name) =>
  command('pause or resume', name, async (model, { tasks }) => {
    if (model.paused.delete(name)) {
      await tasks.resumeQueue(name);
      return;
    }
    await tasks.pauseQueue(name);
    model.paused.add(name);
  }),
);

const limit = fc.record({ queue, most: fc.constantFrom(null, 1, 2) }).map((given) =>
  command('limit', given, async (model, { tasks }) => {
    await tasks.limitQueue(given.queue, { maxRunning: given.most });
    if (given.most === null) model.maxRunning.delete(given.queue);
    else model.maxRunning.set(given.queue, given.most);
  }),
);

export const ALL_COMMANDS = [
  ...[accept, accept, accept, rollBack, acceptUnique, acceptUnique, acceptRequest, acceptAfter, acceptAfter],
  ...[claim, claim, claim, claimByIds, claimLimited, claimSuspect, claimSuspect],
  ...[done, done, failed, failed, giveBack, lose, lose, timePasses, sweep],
  ...[retry, cancel, pause, limit],
];
