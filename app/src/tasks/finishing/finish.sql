-- How attempts end. Every statement names the fence: a task that went to another worker is not touched.
-- Rows are locked in id order first and without waiting: one whose lock somebody else holds is left out, so that it keeps
-- neither its batch nor anything behind it waiting, and batches cannot deadlock. The caller tries it again by itself.
-- Relies on: primary key of task.

-- name: done
-- $1 ids, $2 fences, $3 claims of which nothing is open any more. Prepared: written so that there is but one way to
-- carry it out, whatever the planner believes about the table's size (`is true` keeps the pairs from becoming a join).
-- include: mine-done.part.sql
update holdfast.task t
set state = 'done', finished_at = now(), error = null, held_key = null
where t.id = any (array(select id from mine))

-- name: done_with_results
-- As done, for tasks whose handlers returned something: $4 results, in the order of the ids. The first place of an id is
-- nearly always its only one; a task that is here under an earlier fence as well is looked for under its own.
-- include: mine-done.part.sql
update holdfast.task t
set state = 'done', finished_at = now(), error = null, held_key = null,
    result = ($4::jsonb[])[case
      when ($2::integer[])[array_position($1::bigint[], t.id)] = t.fence then array_position($1::bigint[], t.id)
      else (select d.place from unnest($1::bigint[], $2::integer[]) with ordinality as d (id, fence, place)
            where d.id = t.id and d.fence = t.fence limit 1)
    end]
where t.id = any (array(select id from mine))

-- name: done_one
-- The fenced update that opens the completing transaction of a task with database effects. $3 result or null.
with mine as materialized (
  select t.id from holdfast.task t where t.id = $1 and t.fence = $2 and t.state = 'running' for no key update skip locked
)
update holdfast.task t
set state = 'done', finished_at = now(), error = null, held_key = null, result = $3::jsonb
where t.id = (select id from mine)

-- name: outcome
-- Of attempts that were not written: done under my fence is success (its COMMIT was of unknown fate), running means that
-- somebody held the row; what is not found is no longer mine.
select t.id, t.fence, t.state
from unnest($1::bigint[], $2::integer[]) as d (id, fence)
join holdfast.task t on t.id = d.id
where t.fence = d.fence and t.state in ('done', 'running')

-- name: failed
-- How attempts end that did not succeed. $1 ids, $2 fences, $3 verdicts, $4 errors, $5 dead reasons (null: by budget),
-- $6 seconds until the next attempt. Verdicts: `retry` (dead once the budget is spent), `dead`, `cancelled` (discarded by
-- its handler), `parked` (a person must decide), `snoozed` (later, uncounted). A request to cancel goes before another
-- attempt and before a decision. Whoever could throw has not killed its worker: it is no suspect any more.
with mine as materialized (
  select t.id, d.error, d.delay_seconds, d.dead_reason,
         case
           when d.verdict in ('retry', 'snoozed', 'parked') and t.cancel_requested_at is not null then 'cancelled'
           when d.verdict = 'retry' and t.attempts >= t.max_attempts then 'dead'
           when d.verdict = 'retry' then 'queued'
           else d.verdict
         end as verdict
  from unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::double precision[])
       as d (id, fence, verdict, error, dead_reason, delay_seconds)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for no key update of t skip locked
), noted as (
  insert into holdfast.attempt (task_id, fence, attempt, worker_id, started_at, error)
  select t.id, t.fence, t.attempts, t.worker_id, t.started_at, mine.error
  from mine join holdfast.task t on t.id = mine.id
  where mine.verdict <> 'snoozed'
)
update holdfast.task t
set state = case mine.verdict when 'snoozed' then 'queued' else mine.verdict end,
    attempts = case mine.verdict when 'snoozed' then t.attempts - 1 else t.attempts end,
    dead_reason = case mine.verdict when 'dead' then coalesce(mine.dead_reason, 'attempts-exhausted') end,
    error = case mine.verdict when 'snoozed' then t.error else mine.error end,
    finished_at = case when mine.verdict in ('dead', 'cancelled') then now() end,
    held_key = case when mine.verdict in ('dead', 'cancelled') then null else t.held_key end,
    run_at = case
      when mine.verdict in ('queued', 'snoozed') then now() + make_interval(secs => mine.delay_seconds)
      when mine.verdict = 'parked' then 'infinity'
      else coalesce(t.resume_at, t.run_at)
    end,
    resume_at = case mine.verdict when 'parked' then now() end,
    crashes = 0, worker_id = null
from mine
where t.id = mine.id
returning t.id, t.fence, t.state

-- name: given_back
-- $1 ids, $2 fences. Not the task's fault, so the attempt does not count; the fence stays where it is.
with lost as materialized (
  select t.id
  from unnest($1::bigint[], $2::integer[]) as d (id, fence)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for no key update of t skip locked
)
-- include: give-back.part.sql

-- name: progress
-- $1 ids, $2 fences, $3 values. A row that its handler's own transaction holds is left out: its next value will do.
with mine as materialized (
  select t.id, d.value
  from unnest($1::bigint[], $2::integer[], $3::jsonb[]) as d (id, fence, value)
  join holdfast.task t on t.id = d.id
  where t.fence = d.fence and t.state = 'running'
  order by t.id
  for no key update of t skip locked
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
