import { BY_INDEX } from '../ledger/by-index';
import { loadStatements } from '../ledger/statements';
import type { Chore } from './housekeeper';
import { leavePlace, placeOf } from './place';
import type { Retention } from './retention';

export const PRUNE = 'prune';
export const PRUNE_STATEMENTS = ['expired', 'clear', 'delete'] as const;

/** Rows that one step looks at, and at most deletes: a tenth of a second of PostgreSQL. */
const PAGE_ROWS = 2_000;
/** Log lines, and dependencies, that one step deletes at most, however many a task has. */
const PIECE_ROWS = 10_000;
/** Between two rounds from the oldest task up to the first that cannot have expired. */
const ROUND_SECONDS = 60;
/** How long the walk may stand still when the process that was at it dies. */
const LOOK_SECONDS = 5;

interface ExpiredRow {
  ids: string;
  last: string | null;
  reached_end: boolean;
}

/**
 * Deletes finished tasks whose retention is over, with everything that belongs to them, but none that an unfinished task
 * waits for. Steps follow each other until a round is over, which is many thousand tasks a second.
 */
export function pruneChore(retention: Required<Retention>, pieceRows = PIECE_ROWS): Chore {
  const sql = loadStatements(__dirname, 'prune.sql', PRUNE_STATEMENTS);
  const { doneSeconds, cancelledSeconds, deadSeconds } = retention;
  return {
    name: PRUNE,
    everySeconds: LOOK_SECONDS,
    step: async (tx) => {
      await tx.query(BY_INDEX);
      const place = await placeOf(tx, PRUNE);
      if (place === undefined) return {};
      const values = [place, PAGE_ROWS, doneSeconds, cancelledSeconds, deadSeconds];
      const [page] = (await tx.query<ExpiredRow>(sql.expired, values)).rows;
      if (page === undefined) return {};
      if (page.ids !== '{}') {
        const [cleared] = (await tx.query<{ more: boolean }>(sql.clear, [page.ids, pieceRows])).rows;
        await tx.query(sql.delete, [page.ids]);
        if (cleared?.more === true) return { more: true };
      }
      return leavePlace(tx, PRUNE, page.reached_end ? null : page.last, ROUND_SECONDS);
    },
  };
}
