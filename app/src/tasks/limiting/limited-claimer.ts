import type { ClaimedTask } from '../claiming/claimer';
import type { Lane } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';

/** A queue of which ordinary claims take nothing: paused, or limited, or both. */
export interface ClosedQueue {
  readonly name: string;
  readonly paused: boolean;
  /** It is limited and not paused, and something of it could be claimed if the limit allows. */
  readonly due: boolean;
  /** As `due`, of tasks that must run alone. */
  readonly suspects: boolean;
}

export const LIMITS_STATEMENTS = [
  'limit',
  'pause',
  'resume',
  'closed',
  'lock',
  'limited',
  'limited_suspect',
  'note_starts',
] as const;

/** Nobody else starts tasks of the queue while its row is locked, so a claimer that freezes loses it after this. */
const FROZEN_AFTER_MS = 3_000;
const LOOK_LIMIT = { timeoutMs: 3_000 };

/** Claims tasks of limited queues for one worker, straight from the ledger and one claimer at a time. */
export class LimitedClaimer {
  private readonly sql = loadStatements(__dirname, 'limits.sql', LIMITS_STATEMENTS);

  constructor(
    private readonly ledger: Ledger,
    /** name@version of the registered handlers. */
    private readonly kinds: readonly string[],
    private readonly queues: readonly string[],
  ) {}

  /** This worker's queues that are paused or limited. */
  async closed(): Promise<ClosedQueue[]> {
    return (await this.ledger.prepared<ClosedQueue>('closed_queues', this.sql.closed, [this.queues], LOOK_LIMIT)).rows;
  }

  /**
   * Claims the oldest due tasks of a limited queue, lane after lane in the order given: as many as its limits allow and
   * `free` slots can take.
   * @returns undefined when somebody else is claiming from this queue.
   */
  claim(workerId: string, queue: string, lanes: readonly Lane[], free: number): Promise<ClaimedTask[] | undefined> {
    const priorities = lanes.map((lane) => lane.priority);
    return this.underLock('claim_limited', this.sql.limited, queue, [workerId, this.kinds, queue, priorities, free]);
  }

  /**
   * As `claim`, for the task that has waited longest among those of the queue that must run alone.
   * @returns at most one.
   */
  claimSuspect(workerId: string, queue: string): Promise<ClaimedTask[] | undefined> {
    const values = [workerId, this.kinds, queue, [], 1];
    return this.underLock('claim_limited_suspect', this.sql.limited_suspect, queue, values);
  }

  private underLock(
    name: string,
    statement: string,
    queue: string,
    values: readonly unknown[],
  ): Promise<ClaimedTask[] | undefined> {
    return this.ledger.briefly(FROZEN_AFTER_MS, async (tx) => {
      const lock = await tx.prepared('lock_queue', this.sql.lock, [queue]);
      if (lock.rowCount !== 1) return undefined;
      const tasks = (await tx.prepared<ClaimedTask>(name, statement, values)).rows;
      if (tasks.length > 0) await tx.prepared('note_starts', this.sql.note_starts, [queue, tasks.length]);
      return tasks;
    });
  }
}
