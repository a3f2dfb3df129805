import { Client, Pool } from 'pg';
import type { QueryResultRow } from 'pg';
import type { Registration, Run } from './idleness';

/** A live worker as the ledger has it. */
export interface LiveWorker {
  readonly id: string;
  readonly pid: number;
}

/** When which probe was done, whether it left an effect or not. */
const DONE_PROBES = `(
  select task_id, at from app.probe_effect
  union all
  select uuid, finished_at from holdfast.task where state = 'done' and payload ->> 'leaves' is not null
)`;

/** One task and the effect that it left. */
export interface TaskAndEffect {
  readonly uuid: string;
  readonly state: string;
  readonly fence: number;
  readonly attempts: number;
  /** How many effects it is to leave. */
  readonly due: number;
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

  /** How many probes each worker has done from `fromMs` on and before `toMs`, by its registration. */
  async effectsByWorker(fromMs: number, toMs: number): Promise<Map<string, number>> {
    const answer = await this.rows<{ worker: string; effects: number }>(
      `select t.worker_id as worker, count(*)::int as effects
       from ${DONE_PROBES} e join holdfast.task t on t.uuid = e.task_id
       where e.at >= to_timestamp($1::float8 / 1000) and e.at < to_timestamp($2::float8 / 1000)
         and t.worker_id is not null
       group by t.worker_id`,
      [fromMs, toMs],
    );
    return new Map(answer.map(({ worker, effects }) => [worker, effects]));
  }

  /** How many tasks wait to be begun, now or later. */
  async waiting(): Promise<number> {
    const [answer] = await this.rows<{ tasks: number }>(
      `select count(*)::int as tasks from holdfast.task where state = 'queued'`,
    );
    return answer!.tasks;
  }

  /** Which share of each worker's slots (0 to 1) has tasks that were begun before `beforeMs`, by its registration. */
  async occupied(beforeMs: number): Promise<Map<string, number>> {
    const answer = await this.rows<{ worker: string; share: number }>(
      `select w.id as worker, count(*)::float8 / w.concurrency as share
       from holdfast.worker w join holdfast.task t on t.worker_id = w.id
       where t.state = 'running' and t.started_at < to_timestamp($1::float8 / 1000)
       group by w.id`,
      [beforeMs],
    );
    return new Map(answer.map(({ worker, share }) => [worker, share]));
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
              case when t.payload ->> 'leaves' is null then 1 else 0 end as due,
              coalesce(jsonb_agg(jsonb_build_object('attempt', e.attempt, 'atMs', extract(epoch from e.at) * 1000)
                                 order by e.at) filter (where e.task_id is not null), '[]') as effects
       from holdfast.task t left join app.probe_effect e on e.task_id = t.uuid
       where t.uuid = any ($1::uuid[])
       group by t.id order by t.id`,
      [taskIds],
    );
  }

  /** Probes that were done from `fromMs` on and before `toMs`. */
  async doneBetween(fromMs: number, toMs: number): Promise<number> {
    const [answer] = await this.rows<{ done: number }>(
      `select count(*)::int as done from ${DONE_PROBES} e
       where at >= to_timestamp($1::float8 / 1000) and at < to_timestamp($2::float8 / 1000)`,
      [fromMs, toMs],
    );
    return answer!.done;
  }

  /** Every worker that ever was. */
  registrations(): Promise<Registration[]> {
    return this.rows<Registration>(
      `select id, pid, queues, kinds, concurrency, (extract(epoch from hung_at) * 1000)::float8 as "hungMs"
       from holdfast.worker`,
    );
  }

  /**
   * The last run of every task, and the earlier ones that failed. How long a task waited is known when it was begun once.
   * The times of a probe's last run are by `clock_timestamp()`, which no row sets.
   * @param acknowledgedAtMs when callers were told of a task, by its id
   */
  async runs(acknowledgedAtMs: ReadonlyMap<string, number>): Promise<Run[]> {
    const answer = await this.rows<Omit<Run, 'dueMs'> & { uuid: string; once: boolean; delayMs: number }>(
      `select t.uuid, t.worker_id as worker, t.name || '@' || t.version as kind, t.queue, t.fence = 1 as once,
              case when t.run_at < 'infinity' then extract(epoch from t.run_at - t.accepted_at) * 1000 else 0 end::float8
                as "delayMs",
              (extract(epoch from t.started_at) * 1000)::float8 as "startedMs",
              (extract(epoch from coalesce(e.at, t.finished_at)) * 1000)::float8 as "endedMs"
       from holdfast.task t
       left join (select task_id, max(at) as at from app.probe_effect group by task_id) e on e.task_id = t.uuid
       union all
       select t.uuid, a.worker_id, t.name || '@' || t.version, t.queue, false, 0,
              (extract(epoch from a.started_at) * 1000)::float8, (extract(epoch from a.finished_at) * 1000)::float8
       from holdfast.attempt a join holdfast.task t on t.id = a.task_id`,
    );
    return answer.map(({ uuid, once, delayMs, ...run }) => {
      const toldMs = once ? acknowledgedAtMs.get(uuid) : undefined;
      return { ...run, dueMs: toldMs === undefined ? undefined : toldMs + delayMs };
    });
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
