-- How attempts end. Every statement names the fence: a task that went to another worker is not touched.
-- Rows are locked in id order first and without waiting: one whose lock somebody else holds is left out, so that it keeps
-- neither its batch nor anything behind it waiting, and batches cannot deadlock. The caller tries it again by itself.
-- Relies on: primary key of task.

-- name: done
-- $1 ids, $2 fences, $3 claims of which nothing is open any more. Prepared: written so that there is but one way to
-- carry it out, whatever the planner believes about the table's size (`is true` keeps the pairs from becoming a join).
with mine as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($1::bigint[])
    and t.state = 'running'
    and ((t.id, t.fence) in (select d.id, d.fence from unnest($1::bigint[], $2::integer[]) as d (id, fence))) is true
  order by t.id
  for update skip locked
), forgotten as (
  delete from holdfast.claim where id = any ($3::bigint[])
)
update holdfast.task t
set state = 'done', finished_at = now(), error = null
where t.id = any (array(select id from mine))

-- name: done_one
-- The fenced update that opens the completing transaction of a task with database effects.
with mine as materialized (
  select t.id from holdfast.task t where t.id = $1 and t.fence = $2 and t.state = 'running' for update skip locked
)
update holdfast.task t
set state = 'done', finished_at = now(), error = null
where t.id = (select id from mine)

-- name: outcome
-- Of attempts that were not written: done under my fence is success (its COMMIT was of unknown fate), running means that
-- somebody held the row; what is not found is no longer mine.
select t.id, t.fence, t.state
from unnest($1::bigint[], $2::integer[]) as d (id, fence)
join holdfast.task t on t.id = d.id
where t.fence = d.fence and t.state in ('done', 'running')

-- name: failed
-- $1 ids, $2 fences, $3 errors, $4 dead reasons (null: by budget), $5 seconds until the next attempt.
with mine as materialized (
  select t.id, d.error, d.delay_seconds,
         case
           when d.dead_reason is not null then d.dead_reason
           when t.attempts >= t.max_attempts then 'attempts-exhausted'
         end as dead_reason
  from unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::double precision[])
       as d (id, fence, error, dead_reason, delay_seconds)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for update of t skip locked
), noted as (
  insert into holdfast.attempt (task_id, fence, attempt, worker_id, started_at, error)
  select t.id, t.fence, t.attempts, t.worker_id, t.started_at, mine.error
  from mine join holdfast.task t on t.id = mine.id
)
update holdfast.task t
set state = case when mine.dead_reason is null then 'queued' else 'dead' end,
    dead_reason = mine.dead_reason,
    error = mine.error,
    finished_at = case when mine.dead_reason is null then null else now() end,
    run_at = case when mine.dead_reason is null then now() + make_interval(secs => mine.delay_seconds) else t.run_at end,
    worker_id = null
from mine
where t.id = mine.id
returning t.id, t.fence, t.state

-- name: given_back
-- $1 ids, $2 fences. Not the task's fault, so the attempt does not count; the fence stays where it is.
with mine as materialized (
  select t.id
  from unnest($1::bigint[], $2::integer[]) as d (id, fence)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for update of t skip locked
)
update holdfast.task t
set state = 'queued', attempts = t.attempts - 1, worker_id = null, started_at = null
from mine
where t.id = mine.id
returning t.id, t.fence, t.queue, t.priority

-- name: progress
-- $1 ids, $2 fences, $3 values. A row that its handler's own transaction holds is left out: its next value will do.
with mine as materialized (
  select t.id, d.value
  from unnest($1::bigint[], $2::integer[], $3::jsonb[]) as d (id, fence, value)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for update of t skip locked
)
update holdfast.task t set progress = mine.value from mine where t.id = mine.id

-- name: holds_fence
-- Inside a handler's own transaction: the row stays ours until it ends. Which transaction that is: its backend and when
-- it began.
select pg_backend_pid() as pid, extract(epoch from now())::text as "beganAt" from holdfast.task where id = $1 and fence = $2 and state = 'running' for no key update

-- name: end_transaction
-- $1 backend, $2 when its transaction began: a later one of the same backend is left alone.
select pg_terminate_backend(pid) from pg_stat_activity
where pid = $1 and datname = current_database() and extract(epoch from xact_start) = $2::numeric
