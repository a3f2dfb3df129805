-- What the relay reads: due tasks of a kind that some living worker of their queue can run. What none knows stays in the ledger.
-- Relies on: task_due, one range of it a lane, from the oldest end.

-- name: due
-- $1 queue, $2 priorities, $3 most ids a lane.
select lane.priority, due.ids, due.last_run_at, due.last_id
from unnest($2::smallint[]) as lane (priority)
cross join lateral (
  select array_agg(head.id)::text as ids,
         (array_agg(head.run_at))[count(*)]::text as last_run_at,
         (array_agg(head.id))[count(*)]::text as last_id
  from (
    select t.id, t.run_at
    from holdfast.task t
    where t.queue = $1
      and t.priority = lane.priority
      and t.finished_at is null
      and t.state = 'queued'
      and t.run_at <= now()
      and t.name || '@' || t.version = any (array(
        select unnest(w.kinds) from holdfast.worker w where w.expired_at is null and $1 = any (w.queues)
      ))
    order by t.run_at, t.id
    limit $3
  ) as head
) as due

-- name: due_after
-- The next ones of a lane behind those pushed last: a shortcut between two full looks, never instead of them.
-- $1 queue, $2 priority, $3 most ids, $4 run_at and $5 id of the last one pushed.
select array_agg(head.id)::text as ids,
       (array_agg(head.run_at))[count(*)]::text as last_run_at,
       (array_agg(head.id))[count(*)]::text as last_id
from (
  select t.id, t.run_at
  from holdfast.task t
  where t.queue = $1
    and t.priority = $2
    and t.finished_at is null
    and t.state = 'queued'
    and t.run_at <= now()
    and t.name || '@' || t.version = any (array(
      select unnest(w.kinds) from holdfast.worker w where w.expired_at is null and $1 = any (w.queues)
    ))
    and (t.run_at, t.id) > ($4::timestamptz, $5::bigint)
  order by t.run_at, t.id
  limit $3
) as head

-- name: position
-- $1 id. Relies on: primary key.
select run_at::text from holdfast.task where id = $1

-- name: closed
-- $1 queue. A row when it is paused or limited: then nothing is taken from its lists. Relies on: primary key.
select from holdfast.queue where name = $1 and (limited or paused_at is not null)

-- name: lead
-- One relay a queue, for as long as this session lives.
select pg_try_advisory_lock(hashtextextended('holdfast relay ' || $1, 0)) as leads
