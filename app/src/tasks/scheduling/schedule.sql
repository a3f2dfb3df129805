-- Schedules: when their ticks are due, which were accepted, who may write them. All relies on the two primary keys.
-- Times are whole milliseconds, so that a program that counts in them can say which row it has read.

-- name: known
-- $1 names.
select name, version, definition, watermark, next_at, left_at, now() as now
from holdfast.schedule where name = any ($1::text[])

-- name: clock
select now() as now

-- name: enrol
-- $1 name, $2 version, $3 definition, $4 from when on, $5 its first tick. Whoever comes second changes nothing.
insert into holdfast.schedule (name, version, definition, watermark, next_at) values ($1, $2, $3, $4, $5)
on conflict do nothing

-- name: lock
-- Of two schedulers one settles the ticks; the other neither waits nor writes. $1 name, $2 version, $3 watermark, $4 left_at:
-- as they were when the ticks were worked out, or there is nothing to do.
select from holdfast.schedule
where name = $1 and version = $2 and watermark = $3 and left_at is not distinct from $4
for no key update skip locked

-- name: write_down
-- $1 name, $2 ticks, $3 uuids of their tasks; answers with the ticks that nobody has accepted before.
insert into holdfast.schedule_tick (schedule, tick_at, task_id)
select $1, tick.at, tick.task_id from unnest($2::timestamptz[], $3::uuid[]) as tick (at, task_id)
on conflict do nothing
returning tick_at

-- name: settle
-- $1 name, $2 version, $3 definition, $4 watermark, $5 next tick.
update holdfast.schedule
set version = $2, definition = $3, watermark = greatest(watermark, $4::timestamptz), next_at = $5, left_at = null,
    updated_at = now()
where name = $1

-- name: mark_left
-- $1 names that the code knows.
update holdfast.schedule set left_at = date_trunc('milliseconds', now()), updated_at = now()
where left_at is null and name <> all ($1::text[])
returning name

-- name: list
-- Relies on task_uuid as well.
select s.name, s.version, s.definition, s.next_at, s.left_at, last.tick_at, last.task_id, last.accepted_at,
       (select t.state from holdfast.task t where t.uuid = last.task_id) as state
from holdfast.schedule s
left join lateral (
  select t.tick_at, t.task_id, t.accepted_at
  from holdfast.schedule_tick t where t.schedule = s.name order by t.tick_at desc limit 1
) as last on true
order by s.name

-- name: prune_ticks
-- $1 days, $2 most rows. The last tick of each schedule stays, however old it is.
delete from holdfast.schedule_tick t
using (
  select s.name, old.tick_at
  from holdfast.schedule s
  cross join lateral (
    select o.tick_at
    from holdfast.schedule_tick o
    where o.schedule = s.name
      and o.tick_at < now() - make_interval(days => $1)
      and o.accepted_at < now() - make_interval(days => $1)
      and o.tick_at < (select max(n.tick_at) from holdfast.schedule_tick n where n.schedule = s.name)
    order by o.tick_at
    limit $2
  ) as old
  limit $2
) as doomed
where t.schedule = doomed.name and t.tick_at = doomed.tick_at
