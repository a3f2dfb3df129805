import type { DispatchItem } from '../dispatching/dispatcher';
import { TaskStateError } from '../errors';
import { idArray } from '../lanes';
import type { Transaction } from '../types';
import { FLOWS } from './flow-statements';
import { dueOf, settle } from './settling';

interface RetriedRow extends DispatchItem {
  readonly uuid: string;
  readonly state: 'queued' | 'waiting';
}

export interface Retried {
  /** Uuids of the tasks that were dead or cancelled; what is missing was not, or does not exist. */
  readonly ids: readonly string[];
  readonly dispatch: readonly DispatchItem[];
}

/**
 * Queues dead and cancelled tasks again by hand, and in the same transaction lets those wait again that were cancelled
 * because of them, and because of those in turn.
 * @param ids uuids
 * @throws TaskStateError for a task that would be cancelled again at once, because of a parent that has failed.
 */
export async function retryTasks(tx: Transaction, ids: readonly string[]): Promise<Retried> {
  const { rows } = await tx.query<RetriedRow>(FLOWS.retry, [ids]);
  await reviveDescendants(
    tx,
    rows.map(({ id }) => id),
  );
  const waiting = rows.filter(({ state }) => state === 'waiting').map(({ id }) => id);
  const settled = waiting.length === 0 ? [] : await settle((...ask) => tx.query(...ask), { waiting: idArray(waiting) });
  const hopeless = settled.find(({ id, state }) => state === 'cancelled' && waiting.includes(id));
  if (hopeless !== undefined) {
    throw new TaskStateError(hopeless.uuid, 'cancelled', `${hopeless.error ?? 'a parent has failed'}: retry that one`);
  }
  const queued = rows.filter(({ state }) => state === 'queued');
  const dispatch = [...queued.map(({ id, queue, priority }) => ({ id, queue, priority })), ...dueOf(settled)];
  return { ids: rows.map(({ uuid }) => uuid), dispatch };
}

/** Generation by generation: a sweep that is cancelling the next one holds this one's rows until it has committed. */
async function reviveDescendants(tx: Transaction, revived: readonly string[]): Promise<void> {
  let generation = revived;
  while (generation.length > 0) {
    const { rows } = await tx.query<{ id: string }>(FLOWS.revive_children, [idArray(generation)]);
    generation = rows.map(({ id }) => id);
  }
}
