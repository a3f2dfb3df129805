-- The ledger: which tasks were accepted, are running, are done or are dead. The one truth.
-- States: waiting, queued, running, done, dead, cancelled, parked. Finished = done, dead, cancelled <=> finished_at set.
-- `state`, `fence`, `attempts`, `worker_id`, `started_at` and `progress` stand in no index and in no index predicate:
-- claiming a task is then a heap-only update, which is what keeps the ledger fast (docs/adr/0001).

create table holdfast.ledger (
  singleton boolean primary key default true check (singleton),
  -- Part of every Redis key. A ledger restored from a backup gets a new one, so that it cannot meet ids from its future.
  epoch text not null default left(replace(gen_random_uuid()::text, '-', ''), 12)
);
insert into holdfast.ledger default values;

create table holdfast.task (
  id bigint generated always as identity primary key,
  uuid uuid not null,
  name text not null,
  version smallint not null,
  queue text not null,
  priority smallint not null check (priority between 0 and 3),
  state text not null default 'queued'
    check (state in ('waiting', 'queued', 'running', 'done', 'dead', 'cancelled', 'parked')),
  payload jsonb not null,
  run_at timestamptz not null,
  accepted_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  -- Grows by one at every claim; never falls, never resets. Every write of a running task names it.
  fence integer not null default 0,
  -- Budget: counted at claim, given back when the attempt was never the task's own fault.
  attempts smallint not null default 0,
  -- Attempts until it is dead. Retrying by hand adds `budget`, what it was accepted with.
  max_attempts smallint not null,
  budget smallint not null,
  time_limit_seconds integer not null,
  worker_id uuid,
  progress jsonb,
  error text,
  dead_reason text,
  check ((finished_at is not null) = (state in ('done', 'dead', 'cancelled'))),
  check ((dead_reason is not null) = (state = 'dead'))
) with (
  fillfactor = 40,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.1,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 1
);
create unique index task_uuid on holdfast.task (uuid);
-- Due work is found by lane and time, never by a cursor over ids: late commits would fall behind it.
create index task_due on holdfast.task (queue, priority, run_at, id) where finished_at is null;
create index task_dead on holdfast.task (id) where dead_reason is not null;

-- What each attempt that did not succeed came to. The first attempt of a done task is derived from its row.
create table holdfast.attempt (
  task_id bigint not null references holdfast.task (id) on delete cascade,
  fence integer not null,
  attempt smallint not null,
  worker_id uuid,
  started_at timestamptz not null,
  finished_at timestamptz not null default now(),
  error text not null,
  primary key (task_id, fence)
);

create table holdfast.worker (
  id uuid primary key,
  host text not null,
  pid integer not null,
  queues text[] not null,
  -- name@version of what it can run.
  kinds text[] not null,
  concurrency integer not null,
  running integer not null default 0,
  source text not null default 'postgres' check (source in ('redis', 'postgres')),
  draining boolean not null default false,
  -- Counts heartbeats. Others watch it change on their own monotonic clock.
  beat bigint not null default 0,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  -- Set once, by the worker itself when it stops or by a reaper. An expired id never comes back.
  expired_at timestamptz
) with (fillfactor = 50);

-- One row a claiming statement: which tasks it took. Finds the running tasks of a worker without an index on the
-- task table, written in the claiming statement itself, so that no running task is without one.
create table holdfast.claim (
  id bigint generated always as identity primary key,
  worker_id uuid not null,
  task_ids bigint[] not null,
  claimed_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 1);
create index claim_worker on holdfast.claim (worker_id);
