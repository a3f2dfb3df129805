-- Limits and pauses of queues, and claims from limited ones. Ordinary claims leave such queues out (claiming/claim.sql), so
-- whoever counts here under the queue row's lock counts everything.
-- Relies on: primary keys of queue and task.

-- name: limit
-- $1 queue, $2 whether to set maxRunning, $3 maxRunning, $4 whether to set the rate, $5 starts, $6 in seconds; null: no limit.
insert into holdfast.queue as q (name, max_running, rate_count, rate_seconds)
values ($1, $3, $5, $6)
on conflict (name) do update
set max_running = case when $2::boolean then excluded.max_running else q.max_running end,
    rate_count = case when $4::boolean then excluded.rate_count else q.rate_count end,
    rate_seconds = case when $4::boolean then excluded.rate_seconds else q.rate_seconds end,
    updated_at = now()

-- name: pause
-- $1 queue. Paused again, it stays paused since the first time.
insert into holdfast.queue as q (name, paused_at) values ($1, now())
on conflict (name) do update set paused_at = coalesce(q.paused_at, now()), updated_at = now()

-- name: resume
update holdfast.queue set paused_at = null, updated_at = now() where name = $1 and paused_at is not null

-- name: closed
-- Which of a worker's queues ($1) ordinary claims leave out, and whether anything of those that are limited is due.
-- Relies on: task_due, one look at the oldest end of each lane; task_suspect.
select q.name, q.paused_at is not null as paused,
       q.limited and q.paused_at is null and exists (
         select from unnest('{0,1,2,3}'::smallint[]) as lane (priority)
         cross join lateral (
           select from holdfast.task t
           where t.queue = q.name and t.priority = lane.priority and t.finished_at is null
             and t.state = 'queued' and t.run_at <= now()
           limit 1
         ) as due
       ) as due,
       q.limited and q.paused_at is null and exists (
         select from holdfast.task t
         where t.queue = q.name and t.crashes >= 2 and t.finished_at is null
           and t.state = 'queued' and t.resume_at <= now()
       ) as suspects
from holdfast.queue q
where q.name = any ($1::text[]) and (q.limited or q.paused_at is not null)

-- name: lock
-- $1 queue. Who claims from it counts alone. Nobody waits: no row means that somebody else is counting.
select from holdfast.queue where name = $1 for no key update skip locked

-- name: limited
-- After `lock`, in a statement of its own: it sees what the holder before committed. $1 worker uuid, $2 kinds, $3 queue,
-- $4 its priorities in the order in which they are asked, $5 free slots.
-- Running tasks are found by the claims that name them (docs/adr/0002), so a long backlog costs nothing; one that a claim
-- of before and one of now both name counts once. Relies on: task_due as `oldest`; claim's rows; primary key of task.
with
-- include: room.part.sql
, picked as materialized (
  select due.id
  from unnest($4::smallint[]) with ordinality as lane (priority, position)
  cross join lateral (
    select t.id
    from holdfast.task t
    where t.queue = $3
      and t.priority = lane.priority
      and t.finished_at is null
      and t.state = 'queued'
      and t.run_at <= now()
      and t.name || '@' || t.version = any ($2::text[])
      and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
    order by t.run_at, t.id
    limit (select tasks from room)
    for no key update of t skip locked
  ) as due
  limit (select coalesce(max(tasks), 0) from room)
),
-- include: ../claiming/claimed.part.sql

-- name: limited_suspect
-- As `limited`, for a suspect: the one of the queue that has been due longest. $4 is not used. Relies on: task_suspect.
with
-- include: room.part.sql
, picked as materialized (
  select t.id
  from holdfast.task t
  where t.queue = $3
    and t.crashes >= 2
    and t.finished_at is null
    and t.state = 'queued'
    and t.resume_at <= now()
    and t.name || '@' || t.version = any ($2::text[])
    and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
    and (select tasks from room) > 0
    and $4::smallint[] is not null
  order by t.resume_at, t.id
  limit 1
  for no key update of t skip locked
),
-- include: ../claiming/claimed.part.sql

-- name: note_starts
-- $1 queue, $2 how many have just been started: noted a little late, never early, so no window ever holds more.
update holdfast.queue q
set starts = (
  select array_agg(log.at order by log.position)
  from unnest(q.starts || array_fill(clock_timestamp(), array[$2::integer])) with ordinality as log (at, position)
  where log.position > cardinality(q.starts) + $2::integer - q.rate_count
)
where q.name = $1 and q.rate_count is not null
