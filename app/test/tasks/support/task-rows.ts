import { randomUUID } from 'node:crypto';
import type { LedgerFixture } from './ledger-fixture';

export interface TaskFields {
  readonly name?: string;
  readonly version?: number;
  readonly queue?: string;
  readonly priority?: number;
  /** From now, by the database's clock. */
  readonly runInSeconds?: number;
  readonly attempts?: number;
}

/** Writes queued tasks straight into the ledger and returns their ids, lowest first. */
export async function queueTasks(ledger: LedgerFixture, count: number, fields: TaskFields = {}): Promise<string[]> {
  const rows = await ledger.rows<{ id: string }>(
    `insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                                time_limit_seconds)
     select gen_random_uuid(), $2, $3, $4, $5, '{}', now() + make_interval(secs => $6), $7, $7, 60
     from generate_series(1, $1::integer) returning id`,
    [
      count,
      fields.name ?? 'probe',
      fields.version ?? 1,
      fields.queue ?? 'default',
      fields.priority ?? 1,
      fields.runInSeconds ?? 0,
      fields.attempts ?? 5,
    ],
  );
  return rows.map((row) => row.id).sort((a, b) => Number(a) - Number(b));
}

/** What the ledger says of a task as far as claims and ends change it. */
export interface TaskRow {
  readonly id: string;
  readonly uuid: string;
  readonly state: string;
  readonly fence: number;
  readonly attempts: number;
  readonly max_attempts: number;
  readonly crashes: number;
  readonly worker_id: string | null;
  readonly error: string | null;
  readonly dead_reason: string | null;
  readonly progress: unknown;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  /** Infinity when it is out of its lane. */
  readonly run_at: Date;
  readonly resume_at: Date | null;
  readonly payload: unknown;
  readonly unique_key: string | null;
  readonly held_key: string | null;
  readonly cancel_requested_at: Date | null;
}

/** The rows of these tasks (bigint ids or uuids), in the order of their ids. */
export function taskRows(ledger: LedgerFixture, ids: readonly string[]): Promise<TaskRow[]> {
  return ledger.rows<TaskRow>(
    'select * from holdfast.task where id::text = any ($1::text[]) or uuid::text = any ($1::text[]) order by id',
    [ids],
  );
}

export async function taskRow(ledger: LedgerFixture, id: string): Promise<TaskRow> {
  const [row] = await taskRows(ledger, [id]);
  if (row === undefined) throw new Error(`there is no task ${id}`);
  return row;
}

/** The row of a worker that lives as far as the ledger knows, and that nobody runs. */
export async function workerRow(
  ledger: LedgerFixture,
  kinds: readonly string[] = ['probe@1'],
  queues: readonly string[] = ['default'],
): Promise<string> {
  const id = randomUUID();
  await ledger.pool.query(
    `insert into holdfast.worker (id, host, pid, queues, kinds, concurrency) values ($1, 'elsewhere', 1, $3, $2, 10)`,
    [id, kinds, queues],
  );
  return id;
}

/** Makes what this worker claimed look as if it had been claimed a minute ago. */
export async function ageClaims(ledger: LedgerFixture, workerId: string): Promise<void> {
  await ledger.pool.query(
    `update holdfast.claim set claimed_at = claimed_at - interval '1 minute' where worker_id = $1`,
    [workerId],
  );
  await ledger.pool.query(
    `update holdfast.task set started_at = started_at - interval '1 minute' where worker_id = $1 and state = 'running'`,
    [workerId],
  );
}

/** Takes a running task away as a reaper and the claim of another, living worker would: the fence moves on. */
export async function takeAway(ledger: LedgerFixture, id: string): Promise<void> {
  await ledger.pool.query(
    'update holdfast.task set fence = fence + 1, worker_id = $2 where id::text = $1 or uuid::text = $1',
    [id, await workerRow(ledger)],
  );
}
