-- Tasks that no living worker of any queue knows: out of their lanes, or every claim would read past them.

-- name: forget
-- Kinds that some worker knows again.
delete from holdfast.unknown_kind u
where u.kind = any (array(select unnest(w.kinds) from holdfast.worker w where w.expired_at is null))
returning u.kind, u.reported

-- name: note
-- Which kinds at the heads of the lanes ($1 tasks of each) no living worker knows; those unknown for $2 seconds are ripe.
-- What was not seen for a while, because there was no worker at all, begins anew.
-- Relies on: task_due, from lane to lane, and each from its oldest end.
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
  select distinct head.name || '@' || head.version as kind
  from lane
  cross join lateral (
    select t.name, t.version from holdfast.task t
    where t.queue = lane.queue and t.priority = lane.priority
      and t.finished_at is null and t.state = 'queued' and t.run_at <= now()
    order by t.run_at, t.id
    limit $1
  ) as head
)
insert into holdfast.unknown_kind as u (kind)
select unknown.kind from unknown
where unknown.kind <> all (array(select unnest(w.kinds) from holdfast.worker w where w.expired_at is null))
on conflict (kind) do update
set since = case when u.reported or u.seen_at > now() - interval '15 seconds' then u.since else now() end,
    seen_at = now()
returning kind, reported, since <= now() - make_interval(secs => $2::double precision) as ripe

-- name: shelve
-- $1 kinds, $2 tasks to look at in each lane. Relies on: as note.
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
    limit $2
  ) as head
  where head.name || '@' || head.version = any ($1::text[])
), mine as materialized (
  select t.id from holdfast.task t
  where t.id = any (array(select id from unknown)) and t.state = 'queued' and t.run_at <= now()
  order by t.id
  for no key update of t skip locked
), reported as (
  update holdfast.unknown_kind set reported = true where kind = any ($1::text[])
)
update holdfast.task t set shelved = true, resume_at = t.run_at, run_at = 'infinity'
where t.id = any (array(select id from mine))

-- name: unshelve
-- Puts tasks of kinds that some worker knows back where they were in their lanes; $1 of each kind at most.
-- Relies on: task_shelved, from kind to kind.
with recursive kind (name, version) as (
  (select t.name, t.version from holdfast.task t where t.shelved and t.finished_at is null order by t.name, t.version limit 1)
  union all
  select next.name, next.version
  from kind
  cross join lateral (
    select t.name, t.version from holdfast.task t
    where t.shelved and t.finished_at is null and (t.name, t.version) > (kind.name, kind.version)
    order by t.name, t.version limit 1
  ) as next
), mine as materialized (
  select back.id
  from kind
  cross join lateral (
    select t.id from holdfast.task t
    where t.shelved and t.finished_at is null and t.name = kind.name and t.version = kind.version
    order by t.id
    limit $1
    for no key update of t skip locked
  ) as back
  where kind.name || '@' || kind.version = any (array(
    select unnest(w.kinds) from holdfast.worker w where w.expired_at is null
  ))
)
update holdfast.task t set shelved = false, run_at = coalesce(t.resume_at, now()), resume_at = null
where t.id = any (array(select id from mine))
returning t.id, t.queue, t.priority
