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
  readonly timeLimitSeconds: number;
  /** The row of table claim that names it. */
  readonly claimId: string;
}

interface ClaimedRow {
  id: string;
  uuid: string;
  name: string;
  version: number;
  queue: string;
  priority: number;
  payload: unknown;
  fence: number;
  attempts: number;
  max_attempts: number;
  time_limit_seconds: number;
  claim_id: string;
}

/** What Redis holds may be anything; only this can be an id. */
const ID = /^[1-9]\d{0,17}$/;

/** Claims tasks for one worker, either by ids that Redis handed out or the oldest due ones straight from the ledger. */
export class Claimer {
  private readonly sql = loadStatements(__dirname, 'claim.sql', ['by_id', 'oldest']);

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
    return (await this.ledger.query<ClaimedRow>(this.sql.by_id, values)).rows.map(toTask);
  }

  /** Claims the oldest due tasks, lane after lane in the order given. */
  async oldest(workerId: string, lanes: readonly Lane[], limit: number): Promise<ClaimedTask[]> {
    const values = [workerId, this.kinds, lanes.map((lane) => lane.queue), lanes.map((lane) => lane.priority), limit];
    return (await this.ledger.query<ClaimedRow>(this.sql.oldest, values)).rows.map(toTask);
  }
}

function toTask(row: ClaimedRow): ClaimedTask {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    version: row.version,
    queue: row.queue,
    priority: row.priority,
    payload: row.payload,
    fence: row.fence,
    attempt: row.attempts,
    maxAttempts: row.max_attempts,
    timeLimitSeconds: row.time_limit_seconds,
    claimId: row.claim_id,
  };
}
