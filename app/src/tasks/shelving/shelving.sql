-- Tasks that no living worker of their queue knows: out of their lanes, or every claim would read past them. A queue
-- without workers has no claims; its tasks stay in their lanes and count as its backlog, which may start a worker.

-- name: forget
-- Kinds that some worker of their queue knows again.
delete from holdfast.unknown_kind u
where exists (
  select from holdfast.worker w where w.expired_at is null and u.queue = any (w.queues) and u.kind = any (w.kinds)
)
returning u.queue, u.kind, u.reported

-- name: note
-- Which kinds at the heads of the lanes ($1 tasks of each), and among suspects, no living worker of the queue knows, where
-- it has some; those unknown for $2 seconds are ripe. What was not seen for a while, because there was no worker at all,
-- begins anew. Relies on: task_due, from lane to lane, and each from its oldest end; task_suspect.
with recursive lane (queue, priority) as (
  (select t.queue, t.priority from holdfast.task t where t.finished_at is null order by t.queue, t.priority limit 1)
  union all
  select next.queue, next.priority
  from lane
  cross join lateral (
    select t.queue, t.priority from holdfast.task t
    where t.finished_at is null and (t.queue, t.priority) > (lane.queue, lane.priority)
    order by t.queue, t.priority limit 1
  ) as next
), unknown as materialized (
  select distinct lane.queue, head.name || '@' || head.version as kind
  from lane
  cross join lateral (
    select t.name, t.version from holdfast.task t
    where t.queue = lane.queue and t.priority = lane.priority
      and t.finished_at is null and t.state = 'queued' and t.run_at <= now()
    order by t.run_at, t.id
    limit $1
  ) as head
  union
  select suspect.queue, suspect.name || '@' || suspect.version
  from (
    select t.queue, t.name, t.version from holdfast.task t
    where t.crashes >= 2 and t.finished_at is null and t.state = 'queued' and t.resume_at <= now()
    order by t.queue, t.resume_at, t.id
    limit 10 * $1
  ) as suspect
)
insert into holdfast.unknown_kind as u (queue, kind)
select unknown.queue, unknown.kind from unknown
where exists (select from holdfast.worker w where w.expired_at is null and unknown.queue = any (w.queues))
  and not exists (
    select from holdfast.worker w
    where w.expired_at is null and unknown.queue = any (w.queues) and unknown.kind = any (w.kinds)
  )
on conflict (queue, kind) do update
set since = case when u.reported or u.seen_at > now() - interval '15 seconds' then u.since else now() end,
    seen_at = now()
returning queue, kind, reported, since <= now() - make_interval(secs => $2::double precision) as ripe

-- name: shelve
-- $1 queues with $2 kinds, $3 tasks to look at in each lane. Relies on: as note.
with recursive lane (queue, priority) as (
  (select t.queue, t.priority from holdfast.task t where t.finished_at is null order by t.queue, t.priority limit 1)
  union all
  select next.queue, next.priority
  from lane
  cross join lateral (
    select t.queue, t.priority from holdfast.task t
    where t.finished_at is null and (t.queue, t.priority) > (lane.queue, lane.priority)
    order by t.queue, t.priority limit 1
  ) as next
), unknown as materialized (
  select head.id
  from lane
  cross join lateral (
    select t.id, t.name, t.version from holdfast.task t
    where t.queue = lane.queue and t.priority = lane.priority
      and t.finished_at is null and t.state = 'queued' and t.run_at <= now()
    order by t.run_at, t.id
    limit $3
  ) as head
  where (lane.queue, head.name || '@' || head.version) in (select * from unnest($1::text[], $2::text[]))
), mine as materialized (
  select t.id from holdfast.task t
  where t.id = any (array(select id from unknown)) and t.state = 'queued' and t.run_at <= now()
  order by t.id
  for no key update of t skip locked
), reported as (
  update holdfast.unknown_kind set reported = true
  where (queue, kind) in (select * from unnest($1::text[], $2::text[]))
)
update holdfast.task t set shelved = true, resume_at = t.run_at, run_at = 'infinity'
where t.id = any (array(select id from mine))

-- name: unshelve
-- Puts tasks of kinds that some worker of their queue knows, and of queues that have no worker any more, back where they
-- were in their lanes; $1 of each kind at most. Relies on: task_shelved, from queue to queue and kind to kind.
with recursive kind (queue, name, version) as (
  (
    select t.queue, t.name, t.version from holdfast.task t
    where t.shelved and t.finished_at is null
    order by t.queue, t.name, t.version limit 1
  )
  union all
  select next.queue, next.name, next.version
  from kind
  cross join lateral (
    select t.queue, t.name, t.version from holdfast.task t
    where t.shelved and t.finished_at is null and (t.queue, t.name, t.version) > (kind.queue, kind.name, kind.version)
    order by t.queue, t.name, t.version limit 1
  ) as next
), mine as materialized (
  select back.id
  from kind
  cross join lateral (
    select t.id from holdfast.task t
    where t.shelved and t.finished_at is null
      and t.queue = kind.queue and t.name = kind.name and t.version = kind.version
    order by t.id
    limit $1
    for no key update of t skip locked
  ) as back
  where exists (
      select from holdfast.worker w
      where w.expired_at is null and kind.queue = any (w.queues) and kind.name || '@' || kind.version = any (w.kinds)
    )
    or not exists (select from holdfast.worker w where w.expired_at is null and kind.queue = any (w.queues))
)
update holdfast.task t set shelved = false, run_at = coalesce(t.resume_at, now()), resume_at = null
where t.id = any (array(select id from mine))
returning t.id, t.queue, t.priority
