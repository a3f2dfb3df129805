import type { DispatchItem } from '../dispatching/dispatcher';
import { idArray } from '../lanes';
import type { TaskLogger, Transaction } from '../types';
import { FLOWS } from './flow-statements';

/** A task that has waited, and waits no more. */
export interface SettledRow extends DispatchItem {
  readonly uuid: string;
  readonly name: string;
  readonly state: 'queued' | 'cancelled';
  readonly error: string | null;
  readonly due: boolean;
}

/** Generations of a cancelled flow that one call follows; the sweep goes on with the next. */
const MOST_GENERATIONS = 100;

type Ask = Pick<Transaction, 'query'>['query'];

/**
 * Lets tasks run, or ends them, for which there is nothing more to wait, and ends what waited for those that it ended.
 * @param begin what to begin with: waiting tasks, or tasks that have ended.
 */
export async function settle(
  ask: Ask,
  begin: { readonly waiting: string } | { readonly ended: string },
): Promise<SettledRow[]> {
  const first = 'waiting' in begin ? ask<SettledRow>(FLOWS.settle, [begin.waiting]) : askChildren(ask, begin.ended);
  const all: SettledRow[] = [];
  let { rows } = await first;
  for (let generation = 0; rows.length > 0 && generation < MOST_GENERATIONS; generation += 1) {
    for (const row of rows) all.push(row);
    const ended = rows.filter(({ state }) => state === 'cancelled').map(({ id }) => id);
    if (ended.length === 0) break;
    ({ rows } = await askChildren(ask, idArray(ended)));
  }
  return all;
}

function askChildren(ask: Ask, ended: string): Promise<{ rows: SettledRow[] }> {
  return ask<SettledRow>(FLOWS.settle_children, [ended]);
}

/** Those that somebody may take now. */
export function dueOf(rows: readonly SettledRow[]): DispatchItem[] {
  return rows
    .filter(({ state, due }) => state === 'queued' && due)
    .map(({ id, queue, priority }) => ({ id, queue, priority }));
}

export function reportCancelled(rows: readonly SettledRow[], logger: TaskLogger): void {
  for (const { state, uuid, name, error } of rows) {
    if (state === 'cancelled') logger.info({ task: uuid, name, reason: error }, 'waiting task is cancelled');
  }
}
