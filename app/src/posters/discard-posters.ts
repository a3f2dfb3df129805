import { discardObject } from '../objects/discard.task';
import type { ScreeningListener } from '../screenings/screenings';
import type { Tasks, Transaction } from '../tasks';
import { objectKeys } from './poster';
import { forgetPostersOf } from './poster-store';

/** Has every object of these posters deleted once the transaction has committed. */
export async function discardPosters(
  tasks: Pick<Tasks, 'acceptMany'>,
  tx: Transaction,
  posterIds: readonly string[],
): Promise<void> {
  const payloads = posterIds.flatMap(objectKeys).map((key) => ({ key }));
  if (payloads.length > 0) await tasks.acceptMany(tx, discardObject, payloads);
}

/** Takes a screening's posters along when it is deleted. */
export function postersOfDeleted(tasks: Pick<Tasks, 'acceptMany'>): ScreeningListener {
  return {
    deleted: async (tx, { id }) => {
      await discardPosters(tasks, tx, await forgetPostersOf(tx, id));
    },
  };
}
