import type { DispatchItem } from '../dispatching/dispatcher';
import { BY_INDEX } from '../ledger/by-index';
import { loadStatements } from '../ledger/statements';
import type { Chore } from '../maintaining/housekeeper';
import type { TaskLogger, Transaction } from '../types';

export const SHELVING_STATEMENTS = ['forget', 'note', 'shelve', 'unshelve'] as const;

interface UnknownRow {
  queue: string;
  kind: string;
  reported: boolean;
  ripe: boolean;
}

/** Longer than all workers need to restart. */
const UNKNOWN_SECONDS = 30;
/** Of each lane: more than a claim reads, few enough to be looked at all the time. */
const HEAD = 100;
const BATCH = 1_000;

/**
 * Takes due tasks that no living worker of their queue knows out of the heads of their lanes once they have been unknown
 * for a while. They stay queued and uncounted, and come back as soon as a worker registers that knows them.
 */
export function shelveChore(logger: TaskLogger, unknownSeconds = UNKNOWN_SECONDS): Chore {
  const sql = loadStatements(__dirname, 'shelving.sql', SHELVING_STATEMENTS);
  return {
    name: 'shelve',
    everySeconds: 5,
    step: async (tx) => {
      await tx.query(BY_INDEX);
      for (const { queue, kind, reported } of (await tx.query<UnknownRow>(sql.forget)).rows) {
        if (reported) logger.info({ queue, kind }, 'a worker knows this kind of task again');
      }
      const ripe = (await tx.query<UnknownRow>(sql.note, [HEAD, unknownSeconds])).rows.filter((row) => row.ripe);
      if (ripe.length === 0) return {};
      const { rowCount } = await tx.query(sql.shelve, [
        ripe.map(({ queue }) => queue),
        ripe.map(({ kind }) => kind),
        BATCH,
      ]);
      for (const { queue, kind } of ripe.filter(({ reported }) => !reported)) {
        logger.error(
          { queue, kind },
          'no living worker of the queue knows this kind of task: its tasks wait until one registers that does',
        );
      }
      return { more: (rowCount ?? 0) > 0 };
    },
  };
}

/** Puts shelved tasks back as soon as some worker of their queue knows them, or the queue has no worker at all. */
export function unshelveChore(): Chore {
  const sql = loadStatements(__dirname, 'shelving.sql', SHELVING_STATEMENTS);
  return {
    name: 'unshelve',
    everySeconds: 1,
    step: async (tx: Transaction) => {
      await tx.query(BY_INDEX);
      const { rows } = await tx.query<DispatchItem>(sql.unshelve, [BATCH]);
      return { dispatch: rows, more: rows.length > 0 };
    },
  };
}
