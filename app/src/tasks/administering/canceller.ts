import { TaskStateError } from '../errors';
import type { Inspector } from '../inspecting/inspector';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { CancelAnswer } from '../types';
import { ADMINISTER_STATEMENTS } from './bulk';

/** Cancels single tasks. */
export class Canceller {
  private readonly sql = loadStatements(__dirname, 'administer.sql', ADMINISTER_STATEMENTS);

  constructor(
    private readonly ledger: Ledger,
    private readonly inspector: Pick<Inspector, 'get'>,
  ) {}

  /** @throws TaskStateError when the task is finished. */
  async cancel(id: string): Promise<CancelAnswer | undefined> {
    // Refuses what is no uuid.
    if ((await this.inspector.get(id)) === undefined) return undefined;
    const [row] = (await this.ledger.query<{ state: string }>(this.sql.cancel, [id])).rows;
    const task = await this.inspector.get(id);
    if (task === undefined) return undefined;
    if (row === undefined)
      throw new TaskStateError(id, task.state, 'only a task that is not finished can be cancelled');
    return { outcome: row.state === 'running' ? 'requested' : 'cancelled', task };
  }
}
