import type { Chore, ChoreResult } from '../maintaining/housekeeper';
import type { TaskLogger, Transaction } from '../types';
import { FLOWS } from './flow-statements';
import type { Ask } from './pieces';
import { dueOf, reportCancelled, settle, Settling } from './settling';
import type { SettledRow } from './settling';

/** Waiting tasks a step; some ten milliseconds of PostgreSQL. A whole round takes their number / 2,000 seconds. */
const PAGE = 2_000;
const FIRST = '0';

/** What one step does at most beside its page, where waiting tasks were cancelled: of a long chain, and of a wide one. */
const MOST_PIECES = 10;
const MOST_ROWS = 2_000;

/**
 * The truth about waiting tasks: goes round all of them, a page a second, and settles those with nothing more to wait
 * for, however their parents ended and whoever missed it.
 */
export function flowSweep(logger: TaskLogger, page = PAGE): Chore {
  let behind = FIRST;
  const settling = new Settling();
  const settlePage = async (ask: Ask): Promise<SettledRow[]> => {
    const { rows } = await ask<{ ids: string; count: number; last: string | null }>(FLOWS.open_page, [behind, page]);
    const [found] = rows;
    const full = found?.count === page;
    behind = full ? (found.last ?? FIRST) : FIRST;
    if (found === undefined || found.count === 0) return [];
    const settled = await settle(ask, found.ids);
    settling.afterCancelled(settled);
    return settled;
  };
  const step = async (tx: Transaction): Promise<ChoreResult> => {
    const ask: Ask = (text, values) => tx.query(text, values);
    try {
      // A step that only ends what the one before began has looked at no page.
      const goesOn = !settling.over;
      const settled = goesOn ? [] : await settlePage(ask);
      for (let pieces = 0; !settling.over && pieces < MOST_PIECES && settled.length < MOST_ROWS; pieces += 1) {
        for (const row of await settling.next(ask)) settled.push(row);
      }
      reportCancelled(settled, logger);
      return { dispatch: dueOf(settled), more: goesOn || settled.length > 0 || !settling.over };
    } catch (error) {
      // Nothing of it has happened.
      settling.forget();
      throw error;
    }
  };
  return { name: 'flows', everySeconds: 1, step };
}
