import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { TaskLogger } from '../types';
import { LEASE_STATEMENTS } from './lease';
import type { TakenBackRow } from './reaper';

export interface OverdueOptions {
  readonly ledger: Pick<Ledger, 'query'>;
  readonly logger: TaskLogger;
}

interface OverdueRow {
  id: string;
  fence: number;
}

/** Past its time limit; its worker gives an attempt up after 5 s, and PostgreSQL may keep the end waiting for a while. */
const GRACE_SECONDS = 30;

/** Finds attempts that their living workers did not end at the time limit: a worker whose own enforcement has failed. */
export class Overdue {
  private readonly sql = loadStatements(__dirname, 'lease.sql', LEASE_STATEMENTS);
  private before = new Set<string>();

  constructor(private readonly options: OverdueOptions) {}

  /**
   * Takes back what was overdue at the last look as well, so that an outage of PostgreSQL, which kept every end from being
   * written, is no worker's fault. The attempts count; the workers are marked.
   */
  async look(): Promise<TakenBackRow[]> {
    const { ledger, logger } = this.options;
    const { rows } = await ledger.query<OverdueRow>(this.sql.overdue, [GRACE_SECONDS]);
    const again = rows.filter((row) => this.before.has(keyOf(row)));
    this.before = new Set(rows.map(keyOf));
    if (again.length === 0) return [];
    const values = [idArray(again.map(({ id }) => id)), idArray(again.map(({ fence }) => fence))];
    const taken = (await ledger.query<TakenBackRow & { workerId: string }>(this.sql.take_overdue, values)).rows;
    for (const worker of new Set(taken.map(({ workerId }) => workerId))) {
      logger.error({ worker }, 'worker did not end a task at its time limit: it is told to take no more and to go');
    }
    return taken;
  }

  /** PostgreSQL did not answer: what was seen before does not count. */
  forget(): void {
    this.before.clear();
  }
}

function keyOf({ id, fence }: OverdueRow): string {
  return `${id}:${fence}`;
}
