import { loadStatements } from '../ledger/statements';
import type { Chore } from './housekeeper';
import type { Retention } from './retention';

export const PRUNE = 'prune';
export const PRUNE_STATEMENTS = ['place', 'begin', 'expired', 'delete', 'go_on'] as const;

/** Rows that one step looks at, and at most deletes: a tenth of a second of PostgreSQL. */
const PAGE_ROWS = 2_000;
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
export function pruneChore(retention: Required<Retention>): Chore {
  const sql = loadStatements(__dirname, 'prune.sql', PRUNE_STATEMENTS);
  const { doneSeconds, cancelledSeconds, deadSeconds } = retention;
  return {
    name: PRUNE,
    everySeconds: LOOK_SECONDS,
    step: async (tx) => {
      await tx.query(sql.begin, [PRUNE]);
      const [place] = (await tx.query<{ position: string }>(sql.place, [PRUNE])).rows;
      if (place === undefined) return {};
      const values = [place.position, PAGE_ROWS, doneSeconds, cancelledSeconds, deadSeconds];
      const [page] = (await tx.query<ExpiredRow>(sql.expired, values)).rows;
      if (page === undefined) return {};
      if (page.ids !== '{}') await tx.query(sql.delete, [page.ids]);
      const over = page.reached_end || page.last === null;
      await tx.query(sql.go_on, [PRUNE, over ? 0 : page.last, over ? ROUND_SECONDS : 0]);
      return { more: !over };
    },
  };
}
