-- Claiming tasks: one statement per batch. Locks rows in id order and skips locked ones, so that two claims neither wait
-- for each other nor deadlock; rechecks everything that Redis may be wrong about; writes down in the same statement
-- what was claimed (table claim), so that a lost answer is found again.
-- Parameters: $1 worker uuid, $2 kinds it can run ('name@version').

-- name: by_id
-- $3 ids from Redis, $4 queues. Relies on: primary key.
with picked as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($3::bigint[])
    and t.state = 'queued'
    and t.run_at <= now()
    and t.queue = any ($4::text[])
    and t.name || '@' || t.version = any ($2::text[])
    and exists (select from holdfast.worker w where w.id = $1 and w.expired_at is null)
  order by t.id
  for update of t skip locked
), claimed as (
  update holdfast.task t
  set state = 'running', fence = t.fence + 1, attempts = t.attempts + 1, worker_id = $1,
      started_at = clock_timestamp(), progress = null
  where t.id = any (array(select id from picked))
  returning t.id, t.uuid, t.name, t.version, t.queue, t.priority, t.payload, t.fence, t.attempts as attempt,
            t.max_attempts as "maxAttempts", t.time_limit_seconds as "timeLimitSeconds"
), written_down as (
  insert into holdfast.claim (worker_id, task_ids)
  select $1, array_agg(id) from claimed having count(*) > 0
  returning id
)
select claimed.*, (select id from written_down) as "claimId" from claimed

-- name: oldest
-- $3 and $4 queues and priorities of the lanes in the order in which they are asked, $5 free slots.
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
    order by t.run_at, t.id
    limit $5
    for update of t skip locked
  ) as due
  limit $5
), claimed as (
  update holdfast.task t
  set state = 'running', fence = t.fence + 1, attempts = t.attempts + 1, worker_id = $1,
      started_at = clock_timestamp(), progress = null
  where t.id = any (array(select id from picked))
  returning t.id, t.uuid, t.name, t.version, t.queue, t.priority, t.payload, t.fence, t.attempts as attempt,
            t.max_attempts as "maxAttempts", t.time_limit_seconds as "timeLimitSeconds"
), written_down as (
  insert into holdfast.claim (worker_id, task_ids)
  select $1, array_agg(id) from claimed having count(*) > 0
  returning id
)
select claimed.*, (select id from written_down) as "claimId" from claimed
