import { loadStatements } from '../ledger/statements';
import type { Chore } from '../maintaining/housekeeper';
import { SCHEDULE_STATEMENTS } from './schedule-row';

/** Days that ticks are kept. What was accepted is known from the watermark; the ticks tell people which task it was. */
export const TICK_DAYS = 7;
const STEP_ROWS = 2_000;

export function tickChore(): Chore {
  const sql = loadStatements(__dirname, 'schedule.sql', SCHEDULE_STATEMENTS);
  return {
    name: 'schedule ticks',
    everySeconds: 3_600,
    step: async (tx) => {
      const { rowCount } = await tx.query(sql.prune_ticks, [TICK_DAYS, STEP_ROWS]);
      return { more: rowCount === STEP_ROWS };
    },
  };
}
