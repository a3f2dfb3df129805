import { InvalidTaskError } from '../errors';
import { effectsOf } from '../external/effects-of';
import { neighboursOf } from '../flows/neighbours';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type {
  DeadKind,
  QueueStatus,
  SystemStatus,
  TaskDetails,
  TaskFilter,
  TaskPage,
  TaskRecordWithAttempts,
  TaskState,
  UnknownKindStatus,
  WorkerStatus,
} from '../types';
import { checkCursor, checkLimit, checkUuid } from './page';
import { toAttempts, toRecord } from './records';
import { SharedAnswer } from './shared-answer';
import type { AttemptRow, TaskRow } from './records';
import { Upcoming } from './upcoming';

interface QueueRow extends Omit<QueueStatus, 'oldestAgeSeconds' | 'pausedAt' | 'maxRunning' | 'rateLimit'> {
  paused_at: Date | null;
  max_running: number | null;
  rate_count: number | null;
  rate_seconds: number | null;
  oldest_age_seconds: number;
}

interface UnknownKindRow extends Omit<UnknownKindStatus, 'oldestAgeSeconds'> {
  oldest_age_seconds: number;
}

interface WorkerRow extends Omit<WorkerStatus, 'startedAt' | 'heartbeatAgeSeconds'> {
  started_at: Date;
  heartbeat_age_seconds: number;
}

const UNFINISHED: readonly TaskState[] = ['waiting', 'queued', 'running'];
/** Reads tasks, queues and workers from the ledger. */
export class Inspector {
  private readonly sql = loadStatements(__dirname, 'inspect.sql', [
    'get',
    'get_many',
    'attempts',
    'list',
    'list_unfinished',
    'list_dead',
    'list_parked',
    'list_longest',
    'dead_kinds',
    'key_holder',
    'queues',
    'workers',
    'unknown_kinds',
  ]);
  private readonly counted = new SharedAnswer(() => this.readStatus());
  private readonly dead = new SharedAnswer(() => this.readDeadKinds());
  private readonly upcoming: Upcoming;

  constructor(private readonly ledger: Ledger) {
    this.upcoming = new Upcoming(ledger);
  }

  async get(id: string): Promise<TaskDetails | undefined> {
    const row = await this.row(id);
    if (row === undefined) return undefined;
    return {
      ...(await this.withAttempts(row)),
      ...(await neighboursOf(this.ledger, row.id)),
      effects: await effectsOf(this.ledger, row.id),
    };
  }

  async row(id: string): Promise<TaskRow | undefined> {
    checkUuid(id);
    return (await this.ledger.query<TaskRow>(this.sql.get, [id])).rows[0];
  }

  /** Those of `ids` that exist, without their attempts. */
  async rows(ids: readonly string[]): Promise<TaskRow[]> {
    return (await this.ledger.query<TaskRow>(this.sql.get_many, [ids])).rows;
  }

  async withAttempts(row: TaskRow): Promise<TaskRecordWithAttempts> {
    // The first attempt of a task that has not failed is all in its row.
    const kept = row.fence === 0 ? [] : (await this.ledger.query<AttemptRow>(this.sql.attempts, [row.id])).rows;
    return { ...toRecord(row), attempts: toAttempts(row, kept) };
  }

  /** @throws InvalidTaskError when the limit or the cursor is not possible. */
  async list(filter: TaskFilter): Promise<TaskPage> {
    if (filter.order === 'next') {
      if (filter.uniqueKey === undefined) return this.upcoming.list(filter);
      throw new InvalidTaskError('uniqueKey', 'is not possible in the order of what runs next');
    }
    if (filter.order === 'longest') return this.longest(filter);
    const limit = checkLimit(filter.limit ?? 50, 200);
    checkCursor(filter.after);
    const { state } = filter;
    const statement = this.sql[listing(state)];
    const values = [
      state ?? null,
      filter.queue ?? null,
      filter.name ?? null,
      filter.after ?? null,
      limit + 1,
      filter.uniqueKey ?? null,
    ];
    const rows = (await this.ledger.query<TaskRow>(statement, values)).rows;
    const page = rows.slice(0, limit);
    return { items: page.map(toRecord), next: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  /** Who holds the unique key of this task. */
  async keyHolder(id: string): Promise<{ readonly key: string; readonly holder: string } | undefined> {
    return (await this.ledger.query<{ key: string; holder: string }>(this.sql.key_holder, [id])).rows[0];
  }

  status(): Promise<SystemStatus> {
    return this.counted.get();
  }

  deadKinds(): Promise<readonly DeadKind[]> {
    return this.dead.get();
  }

  private async readDeadKinds(): Promise<readonly DeadKind[]> {
    return (await this.ledger.query<DeadKind>(this.sql.dead_kinds)).rows;
  }

  private async longest({ state, queue, name, after, uniqueKey, limit }: TaskFilter): Promise<TaskPage> {
    if (state !== undefined && state !== 'running') {
      throw new InvalidTaskError('state', `is ${JSON.stringify(state)}; in the order \`longest\` allowed is running`);
    }
    if (after !== undefined || uniqueKey !== undefined) {
      throw new InvalidTaskError('order', 'is `longest`; leave out `after` and `uniqueKey`, or order by `newest`');
    }
    const values = [queue ?? null, name ?? null, checkLimit(limit ?? 50, 200)];
    return { items: (await this.ledger.query<TaskRow>(this.sql.list_longest, values)).rows.map(toRecord), next: null };
  }

  private async readStatus(): Promise<SystemStatus> {
    const queues = await this.ledger.query<QueueRow>(this.sql.queues);
    const workers = await this.ledger.query<WorkerRow>(this.sql.workers);
    const unknown = await this.ledger.query<UnknownKindRow>(this.sql.unknown_kinds);
    return {
      unknownKinds: unknown.rows.map(({ oldest_age_seconds, ...kind }) => ({
        ...kind,
        oldestAgeSeconds: Math.max(0, oldest_age_seconds),
      })),
      queues: queues.rows.map(toQueueStatus),
      workers: workers.rows.map(({ started_at, heartbeat_age_seconds, ...worker }) => ({
        ...worker,
        startedAt: started_at,
        heartbeatAgeSeconds: Math.max(0, heartbeat_age_seconds),
      })),
    };
  }
}

/** Which statement finds tasks of this state by an index. */
function listing(state: TaskState | undefined): 'list' | 'list_dead' | 'list_parked' | 'list_unfinished' {
  if (state === 'dead') return 'list_dead';
  if (state === 'parked') return 'list_parked';
  return state !== undefined && UNFINISHED.includes(state) ? 'list_unfinished' : 'list';
}

function toQueueStatus(row: QueueRow): QueueStatus {
  const { paused_at, max_running, rate_count, rate_seconds, oldest_age_seconds, ...counts } = row;
  return {
    ...counts,
    pausedAt: paused_at,
    maxRunning: max_running,
    rateLimit: rate_count === null || rate_seconds === null ? null : { count: rate_count, perSeconds: rate_seconds },
    oldestAgeSeconds: Math.max(0, oldest_age_seconds),
  };
}
