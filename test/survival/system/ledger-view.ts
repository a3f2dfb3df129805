import { Client, Pool } from 'pg';
import type { QueryResultRow } from 'pg';

/** A live worker as the ledger has it. */
export interface LiveWorker {
  readonly id: string;
  readonly pid: number;
}

/** One task and the effect that it left. */
export interface TaskAndEffect {
  readonly uuid: string;
  readonly state: string;
  readonly fence: number;
  readonly attempts: number;
  /** Under which registration its last attempt ran. */
  readonly worker: string | null;
  /** Attempt and time (ms since 1970) of each row of app.probe_effect. */
  readonly effects: readonly { readonly attempt: number; readonly atMs: number }[];
}

/** Plain SQL on the ledger and on the probes' effects; nothing here goes through the engine. */
export class LedgerView {
  private pool: Pool;

  constructor(private databaseUrl: string) {
    this.pool = this.open();
  }

  /** Looks at this database from now on. */
  async moveTo(databaseUrl: string): Promise<void> {
    const before = this.pool;
    this.databaseUrl = databaseUrl;
    this.pool = this.open();
    await before.end();
  }

  async rows<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.pool.query<Row>(text, [...values])).rows;
  }

  /** How many of these tasks, all when not given, are not finished; parked ones wait for a person and do not count. */
  async unfinished(taskIds?: readonly string[]): Promise<number> {
    const [answer] = await this.rows<{ tasks: number }>(
      `select count(*)::int as tasks from holdfast.task
       where finished_at is null and state <> 'parked' and ($1::uuid[] is null or uuid = any ($1))`,
      [taskIds],
    );
    return answer!.tasks;
  }

  /**
   * How many unfinished tasks nobody has begun or goes on with, when nothing at all was begun or ended for so long. Those
   * count that a well worker should have begun, and those in the hands of workers that do not live.
   * @param pids of the worker processes that live
   */
  async stuck(pids: readonly number[], seconds: number): Promise<number> {
    const [answer] = await this.rows<{ tasks: number }>(
      `with living as (
         select * from holdfast.worker where expired_at is null and pid = any ($1::integer[])
       ), well as (
         select * from living where heartbeat_at > now() - make_interval(secs => $2)
       ), open as (
         select t.*, exists (select from holdfast.queue q where q.name = t.queue and (q.limited or q.paused_at is not null))
           as closed
         from holdfast.task t where t.finished_at is null and t.state <> 'parked'
       )
       select count(*)::int as tasks from open t
       where not exists (
           select from holdfast.task
           where greatest(started_at, finished_at) > now() - make_interval(secs => $2)
         )
         and exists (
           select from well w where t.queue = any (w.queues) and t.name || '@' || t.version = any (w.kinds)
         )
         and not t.closed
         and (
           (t.state = 'queued' and t.run_at < now() - make_interval(secs => $2))
           or (t.state = 'running' and t.worker_id not in (select id from living))
         )`,
      [pids, seconds],
    );
    return answer!.tasks;
  }

  /** Uuids of all tasks. */
  async taskIds(): Promise<string[]> {
    return (await this.rows<{ uuid: string }>('select uuid from holdfast.task')).map(({ uuid }) => uuid);
  }

  /** Workers that nobody has expired. */
  liveWorkers(): Promise<LiveWorker[]> {
    return this.rows<LiveWorker>('select id, pid from holdfast.worker where expired_at is null');
  }

  /** Uuids of the tasks that run under this worker's registration. */
  async runningOn(workerId: string): Promise<string[]> {
    const answer = await this.rows<{ uuid: string }>(
      `select uuid from holdfast.task where finished_at is null and state = 'running' and worker_id = $1 order by id`,
      [workerId],
    );
    return answer.map(({ uuid }) => uuid);
  }

  /** Ids of the workers that completed a task from `sinceMs` on. */
  async workersThatDid(sinceMs: number): Promise<string[]> {
    const answer = await this.rows<{ worker: string }>(
      `select distinct worker_id as worker from holdfast.task
       where state = 'done' and finished_at >= to_timestamp($1::float8 / 1000) and worker_id is not null`,
      [sinceMs],
    );
    return answer.map(({ worker }) => worker);
  }

  /** Transactions that wait for nobody but the client: what a frozen process keeps open. */
  async idleTransactions(): Promise<number> {
    const [answer] = await this.rows<{ sessions: number }>(
      `select count(*)::int as sessions from pg_stat_activity where state like 'idle in transaction%'`,
    );
    return answer!.sessions;
  }

  /** A connection of its own, for a transaction that is held open. The caller ends it. */
  async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.databaseUrl, application_name: 'fault test' });
    await client.connect();
    return client;
  }

  tasks(taskIds: readonly string[]): Promise<TaskAndEffect[]> {
    return this.rows<TaskAndEffect>(
      `select t.uuid, t.state, t.fence, t.attempts, t.worker_id as worker,
              coalesce(jsonb_agg(jsonb_build_object('attempt', e.attempt, 'atMs', extract(epoch from e.at) * 1000)
                                 order by e.at) filter (where e.task_id is not null), '[]') as effects
       from holdfast.task t left join app.probe_effect e on e.task_id = t.uuid
       where t.uuid = any ($1::uuid[])
       group by t.id order by t.id`,
      [taskIds],
    );
  }

  /** Effects from `fromMs` on and before `toMs`. */
  async doneBetween(fromMs: number, toMs: number): Promise<number> {
    const [answer] = await this.rows<{ effects: number }>(
      `select count(*)::int as effects from app.probe_effect
       where at >= to_timestamp($1::float8 / 1000) and at < to_timestamp($2::float8 / 1000)`,
      [fromMs, toMs],
    );
    return answer!.effects;
  }

  /** The longest time in ms between two effects (or the ends) from `fromMs` to `toMs`. */
  async longestStandstillMs(fromMs: number, toMs: number): Promise<number> {
    const [answer] = await this.rows<{ ms: number }>(
      `with moment as (
         select at from app.probe_effect
         where at > to_timestamp($1::float8 / 1000) and at < to_timestamp($2::float8 / 1000)
         union all values (to_timestamp($1::float8 / 1000)), (to_timestamp($2::float8 / 1000))
       ), gap as (select at - lag(at) over (order by at) as length from moment)
       select (extract(epoch from max(length)) * 1000)::float8 as ms from gap`,
      [fromMs, toMs],
    );
    return answer!.ms;
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private open(): Pool {
    // Kept for good: where connections are the fault, nobody else is to get one of these.
    const pool = new Pool({
      ...{ connectionString: this.databaseUrl, max: 3, idleTimeoutMillis: 0 },
      application_name: 'fault test',
    });
    pool.on('error', () => undefined);
    return pool;
  }
}
