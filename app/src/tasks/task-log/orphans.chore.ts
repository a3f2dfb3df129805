import { BY_INDEX } from '../ledger/by-index';
import { loadStatements } from '../ledger/statements';
import type { Chore } from '../maintaining/housekeeper';
import { leavePlace, placeOf } from '../maintaining/place';
import { LOG_STATEMENTS } from './log-writer';

const NAME = 'log lines of no task';
/** Tasks with lines that a step looks at, and lines that it deletes at most. */
const STEP = { tasks: 2_000, lines: 10_000 };
const ROUND_SECONDS = 3_600;

interface StepRow {
  last: string | null;
  looked: number;
  gone: number;
}

/** Deletes log lines that were written after their task had been pruned: by an attempt that had lost it, say. */
export function orphanLinesChore(most = STEP): Chore {
  const sql = loadStatements(__dirname, 'log.sql', LOG_STATEMENTS);
  return {
    name: NAME,
    everySeconds: 60,
    step: async (tx) => {
      await tx.query(BY_INDEX);
      const place = await placeOf(tx, NAME);
      if (place === undefined) return {};
      const [found] = (await tx.query<StepRow>(sql.forget_orphans, [place, most.tasks, most.lines])).rows;
      if (found === undefined) return {};
      // As many as a step may delete: there may be more of the same tasks.
      if (found.gone === most.lines) return { more: true };
      return leavePlace(tx, NAME, found.looked < most.tasks ? null : found.last, ROUND_SECONDS);
    },
  };
}
