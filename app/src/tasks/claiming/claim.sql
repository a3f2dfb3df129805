-- Claiming tasks: one statement per batch. Locks rows in id order and skips locked ones, so that two claims neither wait
-- for each other nor deadlock; rechecks everything that Redis may be wrong about; writes down in the same statement
-- what was claimed (table claim), so that a lost answer is found again.
-- Parameters: $1 worker uuid, $2 kinds it can run ('name@version').
-- Locks do not conflict with references to the row (no key update), so that nobody who begins to wait for a task holds it up.

-- name: by_id
-- $3 ids from Redis, $4 queues; those paused or limited are left out. Relies on: primary key.
with picked as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($3::bigint[])
    and t.state = 'queued'
    and t.run_at <= now()
    and t.queue = any (array(
      select open.name from unnest($4::text[]) as open (name)
      where not exists (
        select from holdfast.queue q where q.name = open.name and (q.limited or q.paused_at is not null)
      )
    ))
    and t.name || '@' || t.version = any ($2::text[])
    and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
  order by t.id
  for no key update of t skip locked
),
-- include: claimed.part.sql

-- name: oldest
-- $3 and $4 queues and priorities of the lanes in the order in which they are asked, $5 free slots. Lanes of queues that
-- are paused or limited are left out.
-- Relies on: task_due, one range of it a lane, read from its oldest end and no further than needed.
with picked as materialized (
  select due.id
  from unnest($3::text[], $4::smallint[]) with ordinality as lane (queue, priority, position)
  cross join lateral (
    select t.id
    from holdfast.task t
    where t.queue = lane.queue
      and t.priority = lane.priority
      and t.finished_at is null
      and t.state = 'queued'
      and t.run_at <= now()
      and t.name || '@' || t.version = any ($2::text[])
      and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
      and not exists (
        select from holdfast.queue q where q.name = lane.queue and (q.limited or q.paused_at is not null)
      )
    order by t.run_at, t.id
    limit $5
    for no key update of t skip locked
  ) as due
  limit $5
),
-- include: claimed.part.sql

-- name: suspect
-- Of the tasks that run alone, the one that has been due longest. $3 queues; those paused or limited are left out.
-- Relies on: task_suspect, one range of it a queue, from its oldest end.
with picked as materialized (
  select due.id
  from unnest($3::text[]) as open (name)
  cross join lateral (
    select t.id, t.resume_at
    from holdfast.task t
    where t.queue = open.name
      and t.crashes >= 2
      and t.finished_at is null
      and t.state = 'queued'
      and t.resume_at <= now()
      and t.name || '@' || t.version = any ($2::text[])
      and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
      and not exists (
        select from holdfast.queue q where q.name = open.name and (q.limited or q.paused_at is not null)
      )
    order by t.resume_at, t.id
    limit 1
    for no key update of t skip locked
  ) as due
  order by due.resume_at, due.id
  limit 1
),
-- include: claimed.part.sql
