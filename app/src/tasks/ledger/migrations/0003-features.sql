-- Keys, flows, limits, external effects, schedules, suspects, cancellation, results, log lines. Additive: a build from
-- before works beside this one; it knows none of these columns and leaves them at their defaults.

-- As in 0002: fail at once behind a long transaction rather than hold up everybody who queues after us.
set local lock_timeout = '3s';

-- Out of its lane is a task with run_at = 'infinity': no claim and no relay ever reads past it. `resume_at` is then the
-- run_at that it gets back. Waiting and parked tasks are out of their lanes, and so are suspects and tasks that no
-- living worker can run.
alter table holdfast.task
  add column resume_at timestamptz,
  -- What the caller named it by. Permanent; `held_key` is the same while the key keeps others out, and null after that.
  add column unique_key text,
  add column held_key text,
  add column key_until_finish boolean not null default false,
  -- Workers lost under it in a row. From SUSPECT_AFTER on (leases/reaper.ts) it runs alone.
  add column crashes smallint not null default 0,
  -- No living worker can run its name@version: out of its lane until one registers.
  add column shelved boolean not null default false,
  add column cancel_requested_at timestamptz,
  -- The parent whose end cancelled it; reviving that parent revives it.
  add column cause_id bigint,
  add column result jsonb,
  -- W3C traceparent of whoever accepted it.
  add column trace text;

-- What callers named their requests by: the same key means the same tasks for as long as this row is kept.
create table holdfast.request_key (
  name text not null,
  key text not null,
  -- SHA-256 of what was asked for; another one under the same key is refused.
  fingerprint bytea not null,
  task_ids uuid[] not null,
  accepted_at timestamptz not null default now(),
  primary key (name, key)
);
create index request_key_accepted on holdfast.request_key (accepted_at);

-- Which task waits for which. The reference keeps the parent from being pruned while somebody begins to wait for it:
-- whoever prunes locks the parents for update, deletes the references of children that have ended, then the parents.
create table holdfast.dependency (
  child_id bigint not null,
  parent_id bigint not null references holdfast.task (id),
  -- What a parent that ends dead or cancelled means for the child.
  on_failure text not null default 'cancel' check (on_failure in ('cancel', 'run')),
  -- The child still waits.
  open boolean not null default true,
  primary key (child_id, parent_id)
);
create index dependency_parent on holdfast.dependency (parent_id, child_id);
create index dependency_open on holdfast.dependency (child_id, parent_id) where open;

-- Queues with a setting of their own; one without a row here has no limits and is not paused.
create table holdfast.queue (
  name text primary key,
  paused_at timestamptz,
  -- Tasks of this queue that run at the same time in the whole fleet.
  max_running integer check (max_running > 0),
  -- At most `rate_count` starts in any `rate_seconds`.
  rate_count integer check (rate_count between 1 and 1000),
  rate_seconds double precision check (rate_seconds > 0),
  -- The last `rate_count` starts, oldest first.
  starts timestamptz[] not null default '{}',
  -- Its tasks are claimed under this row's lock, straight from the ledger.
  limited boolean generated always as (max_running is not null or rate_count is not null) stored,
  updated_at timestamptz not null default now(),
  check ((rate_count is null) = (rate_seconds is null))
) with (fillfactor = 50);

-- What tasks do to the outside: written down before (intent) and after (receipt).
create table holdfast.external_effect (
  task_id bigint not null,
  key text not null,
  on_unknown text not null check (on_unknown in ('repeat', 'park')),
  -- Of the attempt that last began it.
  fence integer not null,
  intent_at timestamptz not null default now(),
  receipt jsonb,
  receipt_at timestamptz,
  -- A person said that it had happened.
  resolved boolean not null default false,
  primary key (task_id, key)
);

create table holdfast.schedule (
  name text primary key,
  -- A scheduler that knows a lower version than this leaves the schedule alone.
  version integer not null,
  definition jsonb not null,
  -- Ticks up to here are settled: accepted, or left out by the catch-up policy. Never goes back.
  watermark timestamptz not null default now(),
  next_at timestamptz,
  -- Set by a scheduler whose code does not know it any more.
  left_at timestamptz,
  updated_at timestamptz not null default now()
);
create table holdfast.schedule_tick (
  schedule text not null,
  tick_at timestamptz not null,
  task_id uuid not null,
  accepted_at timestamptz not null default now(),
  primary key (schedule, tick_at)
);

-- Where a chore of housekeeping stands that takes more than one step, for whichever process takes the next one.
create table holdfast.chore (
  name text primary key,
  position bigint not null default 0,
  -- Nobody takes a step before.
  resume_at timestamptz not null default '-infinity',
  -- When it last had gone through everything.
  completed_at timestamptz
) with (fillfactor = 50);

-- What handlers logged, where their definition keeps it.
create table holdfast.log_line (
  id bigint generated always as identity primary key,
  task_id bigint not null,
  fence integer not null,
  attempt smallint not null,
  at timestamptz not null,
  level text not null,
  message text not null,
  fields jsonb
);
create index log_line_task on holdfast.log_line (task_id, id);

-- Why a worker takes no more tasks although it lives: a handler of it does not come back.
alter table holdfast.worker add column hung_at timestamptz;

-- Kinds of tasks (name@version) that no living worker of their queue knew when they were due.
create table holdfast.unknown_kind (
  queue text not null,
  kind text not null,
  since timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  -- Its tasks are out of their lanes, and somebody was told.
  reported boolean not null default false,
  primary key (queue, kind)
);
