-- A worker's right to run tasks, and what happens to its tasks when it loses it.

-- name: register
insert into holdfast.worker (id, host, pid, queues, kinds, concurrency, worker_kind) values ($1, $2, $3, $4, $5, $6, $7)
returning extract(epoch from clock_timestamp())::float8 as now

-- name: beat
-- $1 worker, $2 running, $3 source, $4 draining, $5 whether a handler hangs. No row: this id has expired and never comes
-- back. Others may have found that one hangs.
update holdfast.worker
set beat = beat + 1, heartbeat_at = now(), running = $2, source = $3, draining = $4,
    hung_at = case when $5 then coalesce(hung_at, now()) else hung_at end
where id = $1 and expired_at is null
returning extract(epoch from clock_timestamp())::float8 as now, hung_at is not null as hung

-- name: reconcile
-- Compares what the ledger thinks this worker runs with what it has in hand ($2 ids, $3 fences; $4 claims with open tasks).
-- What is in hand and was asked to be cancelled is told, too.
-- Rows not in hand and claimed before $5 (seconds since 1970 by the database's clock, 5 s before the hand was looked at,
-- however long this statement was under way): the claim's answer was lost, so they go back uncounted.
-- Relies on: claim_worker, primary key of task.
with hand as materialized (
  select * from unnest($2::bigint[], $3::integer[]) as h (id, fence)
), lost as materialized (
  select t.id
  from holdfast.claim c
  cross join lateral unnest(c.task_ids) as member (id)
  join holdfast.task t on t.id = member.id
  where c.worker_id = $1
    and c.claimed_at < to_timestamp($5)
    and t.state = 'running'
    and t.worker_id = $1
    and t.started_at < to_timestamp($5)
    and not exists (select from hand h where h.id = t.id and h.fence = t.fence)
  order by t.id
  for no key update of t skip locked
), given_back as (
-- include: ../finishing/give-back.part.sql
), forgotten as (
  delete from holdfast.claim c
  where c.worker_id = $1
    and c.claimed_at < to_timestamp($5)
    and c.id <> all ($4::bigint[])
    and not exists (
      select from unnest(c.task_ids) as member (id)
      join holdfast.task t on t.id = member.id
      where t.state = 'running' and t.worker_id = $1
    )
)
select 'given-back' as what, g.id, 0 as fence, g.queue, g.priority, g.state from given_back g
union all
select case when t.id is null then 'disowned' else 'cancel' end, h.id, h.fence, null, null, null
from hand h
left join holdfast.task t on t.id = h.id and t.fence = h.fence and t.state = 'running' and t.worker_id = $1
where t.id is null or t.cancel_requested_at is not null

-- name: return_running
-- Whatever still runs under this worker ($1) and is not in hand ($2 ids, $3 fences) goes back uncounted: of its claims
-- that were never answered, nothing has begun. For an id that is not used any more. Relies on: as reconcile.
with lost as materialized (
  select t.id
  from holdfast.claim c
  cross join lateral unnest(c.task_ids) as member (id)
  join holdfast.task t on t.id = member.id
  where c.worker_id = $1
    and t.state = 'running'
    and t.worker_id = $1
    and not exists (
      select from unnest($2::bigint[], $3::integer[]) as h (id, fence) where h.id = t.id and h.fence = t.fence
    )
  order by t.id
  for no key update of t skip locked
)
-- include: ../finishing/give-back.part.sql

-- name: leave
-- The worker's own last word. Claims of tasks that it could not give back stay, and the reapers find them.
update holdfast.worker set expired_at = now(), running = 0 where id = $1 and expired_at is null

-- name: beats
select id, beat, hung_at is not null as hung from holdfast.worker where expired_at is null

-- name: expire
-- $2 is the beat that the reaper has seen for a whole lease: one more heartbeat since, and nothing happens.
update holdfast.worker set expired_at = now(), running = 0
where id = $1 and beat = $2 and expired_at is null
returning id, host, pid

-- name: orphans
-- Whether any claim's worker does not live; nearly always none, and then nothing more needs to be asked.
select exists (
  select from holdfast.claim c
  where not exists (select from holdfast.worker w where w.id = c.worker_id and w.expired_at is null)
) as orphans

-- name: take_back
-- Running tasks whose worker does not live (also those claimed by a worker that had already been reaped).
-- Rows that a frozen transaction holds are skipped and found again.
-- Relies on: claim's rows, few and deleted when their tasks have ended; primary key of task.
with lost as materialized (
  select c.worker_id, member.id
  from holdfast.claim c
  cross join lateral unnest(c.task_ids) as member (id)
  where not exists (select from holdfast.worker w where w.id = c.worker_id and w.expired_at is null)
), orphan as materialized (
  select t.id
  from holdfast.task t
  where t.id = any (array(select id from lost))
    and t.state = 'running'
    and ((t.id, t.worker_id) in (select lost.id, lost.worker_id from lost)) is true
  order by t.id
  for no key update of t skip locked
),
-- include: take-back.part.sql

-- name: unclaimed
-- Running tasks that no claim names, so that nobody would ever take them back: of those unfinished tasks that come
-- after ($1 queue, $2 priority, $3 run_at, $4 id), $5 at most. One row: their ids and fences, how many tasks were looked
-- at, and the last of them. A living worker's task is only suspect a minute after its time limit: no handler is left
-- then. Read-only. Relies on: task_due, read in its order, so it costs $5 rows whatever the backlog.
with page as materialized (
  select t.queue, t.priority, t.run_at, t.id, t.fence, t.state, t.worker_id, t.started_at, t.time_limit_seconds
  from holdfast.task t
  where t.finished_at is null and (t.queue, t.priority, t.run_at, t.id) > ($1, $2, $3, $4)
  order by t.queue, t.priority, t.run_at, t.id
  limit $5
), suspect as materialized (
  select p.id, p.fence
  from page p
  where p.state = 'running'
    and (
      p.started_at + make_interval(secs => p.time_limit_seconds + 60) < now()
      or not exists (select from holdfast.worker w where w.id = p.worker_id and w.expired_at is null)
    )
    and not exists (select from holdfast.claim c where c.worker_id = p.worker_id and p.id = any (c.task_ids))
)
select coalesce((select array_agg(id)::text from suspect), '{}') as ids,
       coalesce((select array_agg(fence)::text from suspect), '{}') as fences,
       (select count(*)::integer from page) as looked,
       last.queue, last.priority, last.run_at::text as "runAt", last.id
from (select) as one
left join (
  select * from page order by queue desc, priority desc, run_at desc, id desc limit 1
) as last on true

-- name: take_unclaimed
-- $1 ids, $2 fences from `unclaimed`. The fence shows that it is still that attempt: one claimed since has another, and
-- what has claims again, or ended, is left alone. Otherwise as take_back.
with orphan as materialized (
  select t.id
  from unnest($1::bigint[], $2::integer[]) as s (id, fence)
  join holdfast.task t on t.id = s.id
  where t.fence = s.fence
    and t.state = 'running'
    and not exists (select from holdfast.claim c where c.worker_id = t.worker_id and t.id = any (c.task_ids))
  order by t.id
  for no key update of t skip locked
),
-- include: take-back.part.sql

-- name: overdue
-- Attempts that their workers, which live, should have ended $1 seconds ago; 100 at most. Read-only.
-- Relies on: claim's rows, few and deleted when their tasks have ended; primary key of task.
with old as materialized (
  select c.worker_id, member.id
  from holdfast.claim c
  cross join lateral unnest(c.task_ids) as member (id)
  where c.claimed_at < now() - make_interval(secs => $1::double precision)
    and exists (select from holdfast.worker w where w.id = c.worker_id and w.expired_at is null)
)
select t.id, t.fence
from holdfast.task t
where t.id = any (array(select id from old))
  and t.state = 'running'
  and t.started_at + make_interval(secs => t.time_limit_seconds + $1::double precision) < now()
  and ((t.id, t.worker_id) in (select old.id, old.worker_id from old)) is true
limit 100

-- name: take_overdue
-- $1 ids, $2 fences from `overdue`. The attempt has failed and counts; the worker is marked, and told with its next heartbeat.
-- Its process lives, so the task is no suspect.
with late as materialized (
  select t.id, t.worker_id,
         case
           when t.cancel_requested_at is not null then 'cancelled'
           when t.attempts >= t.max_attempts then 'dead'
           else 'queued'
         end as verdict
  from unnest($1::bigint[], $2::integer[]) as s (id, fence)
  join holdfast.task t on t.id = s.id
  where t.fence = s.fence and t.state = 'running'
  order by t.id
  for no key update of t skip locked
), noted as (
  insert into holdfast.attempt (task_id, fence, attempt, worker_id, started_at, error)
  select t.id, t.fence, t.attempts, t.worker_id, t.started_at,
         'time-limit: its worker did not end the attempt in time, and others took the task back'
  from late join holdfast.task t on t.id = late.id
), marked as (
  update holdfast.worker w set hung_at = coalesce(w.hung_at, now())
  where w.id = any (array(select worker_id from late)) and w.expired_at is null
)
update holdfast.task t
set state = late.verdict,
    finished_at = case late.verdict when 'queued' then null else now() end,
    dead_reason = case late.verdict when 'dead' then 'attempts-exhausted' end,
    held_key = case late.verdict when 'queued' then t.held_key end,
    error = 'time-limit: its worker did not end the attempt in time, and others took the task back',
    run_at = case late.verdict when 'queued' then now() else coalesce(t.resume_at, t.run_at) end,
    resume_at = null, crashes = 0, worker_id = null, progress = null
from late
where t.id = late.id
returning t.id, t.uuid, t.name, t.queue, t.priority, t.state, t.attempts, t.crashes, late.worker_id as "workerId"

-- name: forget_claims
-- Claims of workers that do not live and of which nothing runs any more.
delete from holdfast.claim c
where not exists (select from holdfast.worker w where w.id = c.worker_id and w.expired_at is null)
  and not exists (
    select from unnest(c.task_ids) as member (id)
    join holdfast.task t on t.id = member.id
    where t.state = 'running' and t.worker_id = c.worker_id
  )

-- name: forget_workers
delete from holdfast.worker where expired_at < now() - interval '1 day'
