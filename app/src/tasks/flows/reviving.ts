import type { DispatchItem } from '../dispatching/dispatcher';
import { TaskStateError } from '../errors';
import { idArray } from '../lanes';
import type { Transaction } from '../types';
import { FLOWS } from './flow-statements';
import { Pieces } from './pieces';
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
  const settled = waiting.length === 0 ? [] : await settle((...ask) => tx.query(...ask), idArray(waiting));
  const hopeless = settled.find(({ id, state }) => state === 'cancelled' && waiting.includes(id));
  if (hopeless !== undefined) {
    throw new TaskStateError(hopeless.uuid, 'cancelled', `${hopeless.error ?? 'a parent has failed'}: retry that one`);
  }
  const queued = rows.filter(({ state }) => state === 'queued');
  const dispatch = [...queued.map(({ id, queue, priority }) => ({ id, queue, priority })), ...dueOf(settled)];
  return { ids: rows.map(({ uuid }) => uuid), dispatch };
}

/** A piece at a time: a sweep that is cancelling a generation holds the rows of the one before until it has committed. */
async function reviveDescendants(tx: Transaction, revived: readonly string[]): Promise<void> {
  const pieces = new Pieces<{ readonly id: string }>(FLOWS.revive_children);
  pieces.add(revived);
  while (pieces.left > 0) {
    const rows = await pieces.next((...ask) => tx.query(...ask));
    pieces.add(rows.map(({ id }) => id));
  }
}
