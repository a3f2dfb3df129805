-- The effects of probe tasks. No unique constraint on purpose: a task that took effect twice must show.

create table app.probe_effect (
  task_id uuid not null,
  attempt integer not null,
  at      timestamptz not null default clock_timestamp()
);

create index probe_effect_task on app.probe_effect (task_id);
