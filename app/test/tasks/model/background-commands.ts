import fc from 'fast-check';
import { WINDOW } from './background';
import type { Disturbance } from './background';
import { claimed, command, queue, worker } from './commands';
import type { LedgerModel } from './ledger-model';
import { QUEUES } from './system';
import type { System } from './system';

/** The tasks' ids as Redis knows them, by their uuids. */
async function idsOf({ fixture }: System): Promise<ReadonlyMap<string, string>> {
  const rows = await fixture.rows<{ id: string; uuid: string }>('select id, uuid from holdfast.task');
  return new Map(rows.map(({ id, uuid }) => [uuid, id]));
}

/** After a look: what is due and would fit is in the list, unless others take up the room; nothing of a closed queue is. */
async function handedOver(model: LedgerModel, system: System, name: string): Promise<void> {
  const list = await system.relay.list(name);
  expect(list.length).toBeLessThanOrEqual(model.isOpen(name) ? WINDOW : 0);
  if (!model.isOpen(name) || list.length === WINDOW) return;
  const ids = await idsOf(system);
  const due = model.due(name).map(({ id }) => ids.get(id));
  expect(list).toEqual(expect.arrayContaining(due.slice(0, WINDOW)));
}

const relayLooks = queue.map((name) =>
  command('relay looks', name, async (model, system) => {
    await system.relay.look(name);
    await handedOver(model, system, name);
  }),
);

const relayRefills = queue.map((name) =>
  command('relay refills', name, async (_, { relay }) => {
    await relay.refill(name);
    expect((await relay.list(name)).length).toBeLessThanOrEqual(WINDOW);
  }),
);

const relayDies = fc.constant(
  command('relay dies and another leads', null, (_, { relay }) => {
    relay.restart();
    return Promise.resolve();
  }),
);

const flush = fc.constant(command('Redis loses everything', null, (_, { relay }) => relay.flush()));

const dispatch = fc.nat(50).map((n) =>
  command('dispatch', n, async (model, system) => {
    const task = model.all()[n];
    if (task === undefined) return;
    const id = (await idsOf(system)).get(task.id)!;
    await system.relay.dispatch(task.queue, id);
    expect((await system.relay.list(task.queue)).length).toBeLessThanOrEqual(WINDOW);
  }),
);

/** Takes from the list and claims what it took. */
async function take(model: LedgerModel, system: System, index: number, name: string, limit: number): Promise<void> {
  const popped = await system.relay.pop(name, limit);
  const ids = await idsOf(system);
  const claimable = model.isOpen(name) ? model.due(name) : [];
  const expected = claimable.filter(({ id }) => popped.includes(ids.get(id)!));
  claimed(model, index, expected, await system.claimByIds(index, name, popped));
}

const popAndClaim = fc
  .record({ worker, queue, limit: fc.integer({ min: 1, max: 4 }) })
  .map((given) =>
    command('take from the list', given, (model, system) =>
      take(model, system, given.worker, given.queue, given.limit),
    ),
  );

const popAndDie = fc.record({ queue, limit: fc.integer({ min: 1, max: 4 }) }).map((given) =>
  command('a taker dies between pop and claim', given, async (_, { relay }) => {
    await relay.pop(given.queue, given.limit);
  }),
);

const disturbance = fc.constantFrom<Disturbance>(
  'none',
  'dies before its commit',
  'dies after its commit',
  'is overtaken by the other',
);
const schedule = fc.record({ ticks: fc.nat(2), scheduler: fc.nat(1), disturbance }).map((given) =>
  command('ticks pass and a scheduler looks', given, async (model, { fixture, schedulers }) => {
    await schedulers.pass(given.ticks);
    model.ticksDue += given.ticks;
    await schedulers.look(given.scheduler, given.disturbance);
    const due = given.disturbance === 'dies before its commit' ? 0 : model.ticksDue;
    model.ticksDue -= due;
    const ticked = await fixture.rows<{ id: string }>(
      `select t.uuid as id from holdfast.schedule_tick join holdfast.task t on t.uuid = task_id order by t.id`,
    );
    const fresh = ticked.filter(({ id }) => !model.tasks.has(id));
    expect(fresh).toHaveLength(due);
    for (const { id } of fresh) model.add({ id, queue: QUEUES[0], budget: 3 });
  }),
);

/** Whatever happened to the lists: everything due in an open queue comes to the workers through them, and each task once. */
export async function allComesThroughRedis(model: LedgerModel, system: System): Promise<void> {
  for (const name of QUEUES.filter((one) => model.isOpen(one))) {
    const rounds = Math.ceil(model.due(name).length / WINDOW) + 2;
    for (let round = 0; round < rounds && model.due(name).length > 0; round += 1) {
      await system.relay.look(name);
      await take(model, system, 0, name, WINDOW);
    }
    expect(model.due(name)).toEqual([]);
  }
}

export const BACKGROUND_COMMANDS = [
  ...[relayLooks, relayLooks, relayRefills, relayDies, flush, dispatch, popAndClaim, popAndClaim, popAndDie],
  ...[schedule, schedule],
];
