import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import type { TaskHandler, Transaction } from '../../../src/tasks';
import { prepare } from '../../../src/tasks/accepting/prepare';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { SteppedEngine } from '../support/stepped-engine';

/** Handed over by whoever accepts it; writes on its way, calls the outside, and completes with an effect. */
export const order = defineTask({ name: 'order', payload: z.object({}) });
/** Handed over by the relay; its first attempt fails, its second is claimed straight from PostgreSQL and completes with a result. */
export const report = defineTask({
  name: 'report',
  payload: z.object({}),
  backoff: { firstSeconds: 0, jitter: 0 },
});

/** How many attempts of each count until it is done. */
export const ATTEMPTS: Readonly<Record<string, number>> = { [order.name]: 1, [report.name]: 2 };

export const TABLES = `
  create table business (task uuid not null);
  create table step (task uuid not null, attempt integer not null);
  create table effect (task uuid not null)`;

/** @param calls where the outside notes under which keys it was called, by the task's id */
export function handlersOf(calls: Map<string, string[]>): TaskHandler[] {
  return [
    handle(order, async (context) => {
      const { taskId, attempt } = context;
      await context.transaction((tx) => tx.query('insert into step values ($1, $2)', [taskId, attempt]));
      await context.external('charge', { onUnknown: 'repeat' }, ({ idempotencyKey }) => {
        calls.set(taskId, [...(calls.get(taskId) ?? []), idempotencyKey]);
        return Promise.resolve();
      });
      context.effects((tx) => tx.query('insert into effect values ($1)', [taskId]));
    }),
    handle(report, ({ attempt }) =>
      attempt === 1 ? Promise.reject(new Error('not the first time')) : Promise.resolve({ attempt }),
    ),
  ];
}

/**
 * The lives of two tasks in one engine that accepts, relays and works, from its registration to its farewell.
 * @param acknowledged where whoever accepts notes the ids that were answered
 */
export async function twoLives(engine: SteppedEngine, acknowledged: string[]): Promise<void> {
  const { acceptor, ledger, lease, claimer, lane } = engine;
  const accept = async (tx: Transaction, definition: typeof order | typeof report): Promise<string> => {
    const [accepted] = await acceptor.within(tx, [prepare(definition, {}, { queue: lane.queue })]);
    await tx.query('insert into business values ($1)', [accepted!.id]);
    return accepted!.id;
  };
  const claimTaken = async (): Promise<ClaimedTask[]> => claimer.byId(lease.id, await engine.take());

  await lease.begin();
  await engine.lead();
  await engine.relay.look(engine.session);

  acknowledged.push(await engine.handingOver(() => acceptor.transaction((tx) => accept(tx, order))));
  await engine.run(await claimTaken());

  acknowledged.push(await ledger.transaction((tx) => accept(tx, report)));
  await engine.relay.look(engine.session);
  await engine.run(await claimTaken());
  await lease.beat();
  await engine.run(await claimer.oldest(lease.id, [lane], 1));
  await engine.leave();
}
