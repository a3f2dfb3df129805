import { TaskStateError } from '../errors';
import type { Inspector } from '../inspecting/inspector';
import { checkUuid } from '../inspecting/page';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { CancelAnswer, TaskDetails } from '../types';
import { ADMINISTER_STATEMENTS } from './bulk';

/** Cancels single tasks, and sets single ones aside. */
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

  /** @throws TaskStateError when the task is neither dead nor parked. */
  async discard(id: string): Promise<TaskDetails | undefined> {
    checkUuid(id);
    const { rows } = await this.ledger.query(this.sql.discard, [id]);
    const task = await this.inspector.get(id);
    if (task === undefined || rows.length > 0) return task;
    throw new TaskStateError(id, task.state, 'only a dead or parked task can be set aside');
  }
}
