import { loadStatements } from '../ledger/statements';
import type { Transaction } from '../types';
import type { ChoreResult } from './housekeeper';

const PLACE = loadStatements(__dirname, 'place.sql', ['begin', 'place', 'go_on']);

/** Where the chore goes on; undefined while its next round has not come. */
export async function placeOf(tx: Transaction, chore: string): Promise<string | undefined> {
  await tx.query(PLACE.begin, [chore]);
  return (await tx.query<{ position: string }>(PLACE.place, [chore])).rows[0]?.position;
}

/**
 * The chore goes on behind `position` at once; null: it has gone through everything, and begins anew in `roundSeconds`.
 * @returns what the step answers with.
 */
export async function leavePlace(
  tx: Transaction,
  chore: string,
  position: string | null,
  roundSeconds: number,
): Promise<ChoreResult> {
  await tx.query(PLACE.go_on, [chore, position ?? 0, position === null ? roundSeconds : 0]);
  return { more: position !== null };
}
