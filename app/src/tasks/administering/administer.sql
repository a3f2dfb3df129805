-- What people do to tasks from outside: cancel, set aside, in bulk. Rows of bulks are locked in id order and without waiting, so
-- that they neither hold up claims and completions nor deadlock with them; what somebody holds is tried again.

-- name: cancel
-- $1 uuid. What has not started is cancelled at once; of what runs it is only asked, and its fence decides: its worker is
-- told by the next comparison (leases/lease.sql, reconcile). Waits for a handler's own transaction. Relies on: task_uuid.
update holdfast.task t
set cancel_requested_at = coalesce(t.cancel_requested_at, now()),
    state = case t.state when 'running' then t.state else 'cancelled' end,
    finished_at = case t.state when 'running' then null else now() end,
    held_key = case t.state when 'running' then t.held_key end,
    run_at = case t.state when 'running' then t.run_at else coalesce(t.resume_at, t.run_at) end,
    resume_at = case t.state when 'running' then t.resume_at end,
    shelved = false
where t.uuid = $1 and t.finished_at is null
returning t.state

-- name: cancel_many
-- $1 ids, $2 states. As `cancel`.
with mine as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($1::bigint[]) and t.state = any ($2::text[]) and t.cancel_requested_at is null
  order by t.id
  for no key update skip locked
)
update holdfast.task t
set cancel_requested_at = now(),
    state = case t.state when 'running' then t.state else 'cancelled' end,
    finished_at = case t.state when 'running' then null else now() end,
    held_key = case t.state when 'running' then t.held_key end,
    run_at = case t.state when 'running' then t.run_at else coalesce(t.resume_at, t.run_at) end,
    resume_at = case t.state when 'running' then t.resume_at end,
    shelved = false
where t.id = any (array(select id from mine))
returning t.id, t.state

-- name: discard_many
-- $1 ids, $2 states (dead, parked): set aside, so that nobody is asked about them any more.
with mine as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($1::bigint[]) and t.state = any ($2::text[])
  order by t.id
  for no key update skip locked
)
update holdfast.task t
set state = 'cancelled', dead_reason = null, finished_at = coalesce(t.finished_at, now()), held_key = null,
    run_at = coalesce(t.resume_at, t.run_at), resume_at = null
where t.id = any (array(select id from mine))
returning t.id, t.state

-- name: discard
-- $1 uuid: as `discard_many`, for one. Relies on: task_uuid.
update holdfast.task t
set state = 'cancelled', dead_reason = null, finished_at = coalesce(t.finished_at, now()), held_key = null,
    run_at = coalesce(t.resume_at, t.run_at), resume_at = null
where t.uuid = $1 and t.state in ('dead', 'parked')
returning t.id

-- name: now
select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now

-- name: unfinished
-- A page of unfinished tasks for a bulk. $1 states, $2 queue, $3 name (null: any), $4 accepted before, $5 most tasks; behind
-- ($6 queue, $7 priority, $8 run_at, $9 id). One row: the matching ones of the tasks looked at, and the last of these.
-- Relies on: task_due, read in its order.
with reach as materialized (
  select t.id, t.uuid, t.state, t.name, t.accepted_at, t.queue, t.priority, t.run_at, t.cancel_requested_at
  from holdfast.task t
  where t.finished_at is null
    and ($2::text is null or t.queue = $2)
    and (t.queue, t.priority, t.run_at, t.id) > ($6, $7, $8, $9)
  order by t.queue, t.priority, t.run_at, t.id
  limit $5
)
select array(
         select r.id::text from reach r
         where r.state = any ($1::text[]) and ($3::text is null or r.name = $3) and r.accepted_at < $4::timestamptz
           and r.cancel_requested_at is null
         order by r.id
       ) as ids,
       '{}'::text[] as uuids,
       last.queue, last.priority,
       case when isfinite(last.run_at)
         then to_char(last.run_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
         else last.run_at::text
       end as "runAt",
       last.id::text
from (select) as one
left join (select * from reach order by queue desc, priority desc, run_at desc, id desc limit 1) as last on true

-- name: parked
-- As `unfinished`, for parked tasks behind id $6. Relies on: task_parked, in which all tasks are that are out of their lanes.
with reach as materialized (
  select t.id, t.uuid, t.state, t.name, t.accepted_at, t.queue
  from holdfast.task t
  where t.resume_at is not null and t.finished_at is null and t.id > $6
  order by t.id
  limit $5
), matching as (
-- include: matching.part.sql
)
select array(select m.id::text from matching m order by m.id) as ids,
       array(select m.uuid::text from matching m order by m.id) as uuids,
       (select max(id)::text from reach) as id

-- name: dead
-- As `parked`, for dead tasks. Relies on: task_dead.
with reach as materialized (
  select t.id, t.uuid, t.state, t.name, t.accepted_at, t.queue
  from holdfast.task t
  where t.dead_reason is not null and t.id > $6
  order by t.id
  limit $5
), matching as (
-- include: matching.part.sql
)
select array(select m.id::text from matching m order by m.id) as ids,
       array(select m.uuid::text from matching m order by m.id) as uuids,
       (select max(id)::text from reach) as id

-- name: cancelled
-- As `parked`, for cancelled tasks, which have no index of their own: it looks at ten times as many, and at most $5 match.
-- Relies on: primary key.
with reach as materialized (
  select t.id, t.uuid, t.state, t.name, t.accepted_at, t.queue
  from holdfast.task t
  where t.id > $6
  order by t.id
  limit 10 * $5
), matching as (
-- include: matching.part.sql
  order by r.id
  limit $5
)
select array(select m.id::text from matching m order by m.id) as ids,
       array(select m.uuid::text from matching m order by m.id) as uuids,
       case when (select count(*) from matching) < $5 then (select max(id) from reach) else (select max(id) from matching) end
         ::text as id
