import type { Chore, ChoreResult } from '../maintaining/housekeeper';
import type { TaskLogger, Transaction } from '../types';
import { FLOWS } from './flow-statements';
import { dueOf, reportCancelled, settle } from './settling';

/** Waiting tasks a step; some ten milliseconds of PostgreSQL. A whole round takes their number / 2,000 seconds. */
const PAGE = 2_000;
const FIRST = '0';

/**
 * The truth about waiting tasks: goes round all of them, a page a second, and settles those with nothing more to wait
 * for, however their parents ended and whoever missed it.
 */
export function flowSweep(logger: TaskLogger, page = PAGE): Chore {
  let behind = FIRST;
  const step = async (tx: Transaction): Promise<ChoreResult> => {
    const { rows } = await tx.query<{ ids: string; count: number; last: string | null }>(FLOWS.open_page, [
      behind,
      page,
    ]);
    const [found] = rows;
    const full = found?.count === page;
    behind = full ? (found.last ?? FIRST) : FIRST;
    if (found === undefined || found.count === 0) return {};
    const settled = await settle((text, values) => tx.query(text, values), { waiting: found.ids });
    reportCancelled(settled, logger);
    return { dispatch: dueOf(settled), more: settled.length > 0 };
  };
  return { name: 'flows', everySeconds: 1, step };
}
