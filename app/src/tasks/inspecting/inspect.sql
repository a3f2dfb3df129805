-- Reading the ledger for people and metrics; nothing here decides anything.

-- name: get
-- Relies on: task_uuid.
select * from holdfast.task where uuid = $1

-- name: get_many
select * from holdfast.task where uuid = any ($1::uuid[])

-- name: attempts
select fence, attempt, worker_id, started_at, finished_at, error
from holdfast.attempt where task_id = $1 order by fence

-- name: list
-- $1 state, $2 queue, $3 name (null: any), $4 id to go on below (null: from the newest), $5 most rows, $6 unique key
-- (null: any).
-- Relies on: primary key, read downwards.
select t.*
from holdfast.task t
where ($1::text is null or t.state = $1)
  and ($2::text is null or t.queue = $2)
  and ($3::text is null or t.name = $3)
  and ($4::bigint is null or t.id < $4)
  and ($6::text is null or t.unique_key = $6)
order by t.id desc
limit $5

-- name: list_unfinished
-- As list, for the states that are not finished. Relies on: task_due.
select t.*
from holdfast.task t
where t.finished_at is null
  and t.state = $1
  and ($2::text is null or t.queue = $2)
  and ($3::text is null or t.name = $3)
  and ($4::bigint is null or t.id < $4)
  and ($6::text is null or t.unique_key = $6)
order by t.id desc
limit $5

-- name: list_dead
-- As list, for dead tasks. Relies on: task_dead.
select t.*
from holdfast.task t
where t.dead_reason is not null
  and t.state = $1
  and ($2::text is null or t.queue = $2)
  and ($3::text is null or t.name = $3)
  and ($4::bigint is null or t.id < $4)
  and ($6::text is null or t.unique_key = $6)
order by t.id desc
limit $5

-- name: list_parked
-- As list, for parked tasks. Relies on: task_parked.
select t.*
from holdfast.task t
where t.resume_at is not null and t.finished_at is null
  and t.state = $1
  and ($2::text is null or t.queue = $2)
  and ($3::text is null or t.name = $3)
  and ($4::bigint is null or t.id < $4)
  and ($6::text is null or t.unique_key = $6)
order by t.id desc
limit $5

-- name: list_longest
-- $1 queue, $2 name (null: any), $3 most rows: what runs, the longest first. As many claims are open as tasks run at most,
-- and no running task is without one. Relies on: primary key.
select t.*
from holdfast.task t
where t.id in (select unnest(c.task_ids) from holdfast.claim c)
  and t.state = 'running'
  and ($1::text is null or t.queue = $1)
  and ($2::text is null or t.name = $2)
order by t.started_at, t.id
limit $3

-- name: dead_kinds
-- Relies on: task_dead.
select name, count(*)::float8 as count, max(finished_at) as "lastAt"
from holdfast.task
where dead_reason is not null
group by name
order by name

-- name: key_holder
-- Who holds the unique key of task $1. Relies on: task_uuid, task_held_key.
select t.unique_key as key, holder.uuid as holder
from holdfast.task t
join holdfast.task holder on holder.name = t.name and holder.held_key = t.unique_key and holder.finished_at is null
where t.uuid = $1

-- name: queues
-- Suspects are out of their lane and due all the same; tasks that nobody can run (as in unknown_kinds) are neither due nor
-- scheduled.
-- Relies on: task_due (all unfinished tasks), task_dead.
with unfinished as (
  select queue,
         count(*) filter (where startable and due_at <= now()) as backlog,
         count(*) filter (where startable and due_at > now()) as scheduled,
         count(*) filter (where state = 'waiting') as waiting,
         count(*) filter (where state = 'running') as running,
         count(*) filter (where state = 'parked') as parked,
         min(due_at) filter (where startable and due_at <= now()) as oldest
  from holdfast.task
  cross join lateral (
    select state = 'queued' and not shelved and not (crashes >= 2 and (queue, name || '@' || version) in
-- include: nobody-knows.part.sql
           ) as startable,
           coalesce(resume_at, run_at) as due_at
  ) as lane
  where finished_at is null group by queue
), dead as (
  select queue, count(*) as dead from holdfast.task where dead_reason is not null group by queue
), named as (
  select queue from unfinished
  union select queue from dead
  union select unnest(queues) from holdfast.worker where expired_at is null
  union select name from holdfast.queue where limited or paused_at is not null
)
select n.queue as name,
       coalesce(u.backlog, 0)::float8 as backlog,
       coalesce(u.scheduled, 0)::float8 as scheduled,
       coalesce(u.waiting, 0)::float8 as waiting,
       coalesce(u.running, 0)::float8 as running,
       coalesce(u.parked, 0)::float8 as parked,
       coalesce(d.dead, 0)::float8 as dead,
       q.paused_at, q.max_running, q.rate_count, q.rate_seconds,
       coalesce(extract(epoch from now() - u.oldest), 0)::float8 as oldest_age_seconds
from named n
left join unfinished u on u.queue = n.queue
left join dead d on d.queue = n.queue
left join holdfast.queue q on q.name = n.queue
order by n.queue

-- name: workers
select id, host, pid, worker_kind as kind, queues, concurrency, running, source, draining, started_at,
       extract(epoch from now() - heartbeat_at)::float8 as heartbeat_age_seconds
from holdfast.worker
where expired_at is null
order by started_at, id

-- name: unknown_kinds
-- Shelved tasks, and due suspects of kinds that were reported as unknown: those are out of their lanes anyway.
-- Relies on: task_shelved, task_suspect.
with unclaimable as (
  select name, version, queue, resume_at from holdfast.task where shelved and finished_at is null
  union all
  select name, version, queue, resume_at from holdfast.task
  where crashes >= 2 and finished_at is null and not shelved and state = 'queued' and resume_at <= now()
    and (queue, name || '@' || version) in
-- include: nobody-knows.part.sql
)
select name || '@' || version as kind, queue, count(*)::float8 as count,
       extract(epoch from now() - min(resume_at))::float8 as oldest_age_seconds
from unclaimable
group by name, version, queue
order by name, version, queue
