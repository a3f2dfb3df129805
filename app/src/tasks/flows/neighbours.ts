import type { Ledger } from '../ledger/ledger';
import type { ParentRecord, TaskNeighbour } from '../types';
import { FLOWS } from './flow-statements';

/** Rows shown a side; only a task that very many wait for has more. */
const MOST_NEIGHBOURS = 100;

interface NeighbourRow extends Omit<TaskNeighbour, 'onFailure'> {
  side: 'after' | 'before';
  on_failure: TaskNeighbour['onFailure'];
}

/** What the task (bigint id) waits or waited for, and what waits or waited for it. */
export async function neighboursOf(
  ledger: Ledger,
  id: string,
): Promise<Record<'after' | 'before', readonly TaskNeighbour[]>> {
  const { rows } = await ledger.query<NeighbourRow>(FLOWS.neighbours, [id, MOST_NEIGHBOURS]);
  const of = (wanted: NeighbourRow['side']): TaskNeighbour[] =>
    rows
      .filter(({ side }) => side === wanted)
      .map(({ id: uuid, name, state, on_failure }) => ({ id: uuid, name, state, onFailure: on_failure }));
  return { after: of('after'), before: of('before') };
}

/** What the parents of the task (bigint id) came to. */
export async function resultsOfParents(ledger: Ledger, id: string): Promise<ParentRecord[]> {
  return (await ledger.query<ParentRecord>(FLOWS.results, [id])).rows;
}
