import type { Lane } from '../lanes';
import { idArray } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';

/** A task that this worker may run, under this fence. */
export interface ClaimedTask {
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly version: number;
  readonly queue: string;
  readonly priority: number;
  readonly payload: unknown;
  readonly fence: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** Attempts that it was accepted with: each retry by hand adds as many, and its backoff starts anew. */
  readonly budget: number;
  readonly timeLimitSeconds: number;
  /** W3C traceparent of whoever accepted it. */
  readonly trace: string | null;
  /** Its workers were lost under it: it runs alone. */
  readonly suspect: boolean;
  /** The row of table claim that names it. */
  readonly claimId: string;
}

/**
 * A claim without an answer must not keep its slots idle. Below the time after which the comparison with what is in hand
 * gives back what never arrived, so that nothing begins that is given back.
 */
const CLAIM_LIMIT = { timeoutMs: 3_000 };
/** What Redis holds may be anything; only this can be an id. */
const ID = /^[1-9]\d{0,17}$/;

export const CLAIM_STATEMENTS = ['by_id', 'oldest', 'suspect'] as const;

/** Claims tasks for one worker, either by ids that Redis handed out or the oldest due ones straight from the ledger. */
export class Claimer {
  private readonly sql = loadStatements(__dirname, 'claim.sql', CLAIM_STATEMENTS);

  constructor(
    private readonly ledger: Ledger,
    /** name@version of the registered handlers. */
    private readonly kinds: readonly string[],
    private readonly queues: readonly string[],
  ) {}

  /** Claims those of `ids` that are queued, due and known to this worker; the others are silently dropped. */
  async byId(workerId: string, ids: readonly string[]): Promise<ClaimedTask[]> {
    const possible = ids.filter((id) => ID.test(id));
    if (possible.length === 0) return [];
    const values = [workerId, this.kinds, idArray(possible), this.queues];
    return (await this.ledger.prepared<ClaimedTask>('claim_by_id', this.sql.by_id, values, CLAIM_LIMIT)).rows;
  }

  /** Claims the oldest due tasks, lane after lane in the order given. */
  async oldest(workerId: string, lanes: readonly Lane[], limit: number): Promise<ClaimedTask[]> {
    const values = [workerId, this.kinds, lanes.map((lane) => lane.queue), lanes.map((lane) => lane.priority), limit];
    return (await this.ledger.prepared<ClaimedTask>('claim_oldest', this.sql.oldest, values, CLAIM_LIMIT)).rows;
  }

  /** Claims the task that has waited longest among those that must run alone. */
  async suspect(workerId: string): Promise<ClaimedTask | undefined> {
    const values = [workerId, this.kinds, this.queues];
    return (await this.ledger.prepared<ClaimedTask>('claim_suspect', this.sql.suspect, values, CLAIM_LIMIT)).rows[0];
  }
}
