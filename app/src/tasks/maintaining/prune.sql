-- Finished tasks leave the ledger. The walk goes up the primary key, a page a step; where it stands is in holdfast.chore, so
-- that whichever process takes the next step goes on there (docs/adr/0011).

-- name: expired
-- $1 id to go on above, $2 rows a page, $3 seconds that done, $4 that cancelled, $5 that dead tasks are kept. Answers with
-- the expired ones of the page, locked, with the last id looked at, and whether tasks follow that cannot have expired yet:
-- ids are given out in the order of time, so none above them can have.
-- Relies on: primary key.
with page as materialized (
  select t.id, t.accepted_at from holdfast.task t where t.id > $1 order by t.id limit $2
), old as materialized (
  select id from page where accepted_at <= now() - make_interval(secs => least($3::float8, $4::float8, $5::float8))
), expired as materialized (
  select t.id
  from holdfast.task t
  where t.id = any (array(select id from old))
    and t.finished_at < now() - make_interval(secs => case t.state
      when 'done' then $3::float8 when 'cancelled' then $4::float8 when 'dead' then $5::float8 end)
  order by t.id
  for update skip locked
)
select coalesce((select array_agg(id) from expired), '{}')::text as ids,
       (select max(id) from old)::text as last,
       (select count(*) from old) < $2 as reached_end

-- name: clear
-- $1 ids, locked by the statement before: whoever began to wait for one of them until then is seen by this one, and whoever
-- comes later finds it gone. Waits for nobody. Deletes what there can be very much of, $2 log lines and $2 dependencies at most, of those
-- that may go. Answers with whether there may be more. Relies on: dependency_parent, log_line_task, primary keys.
with doomed as materialized (
  select id from unnest($1::bigint[]) as task (id)
  where not exists (
    select from holdfast.dependency d
    join holdfast.task child on child.id = d.child_id
    where d.parent_id = task.id and (d.open or child.finished_at is null)
  )
), line as materialized (
  select l.id
  from doomed cross join lateral (select id from holdfast.log_line where task_id = doomed.id limit $2) as l
  limit $2
), child as materialized (
  -- A child that somebody holds at this moment may be about to wait again: its dependency stays, and with it the parent.
  select d.child_id, d.parent_id
  from doomed cross join lateral (
    select d.child_id, d.parent_id
    from holdfast.dependency d
    join holdfast.task t on t.id = d.child_id
    where d.parent_id = doomed.id and not d.open and t.finished_at is not null
    limit $2
    for share of t skip locked
  ) as d
  limit $2
), lines as (
  delete from holdfast.log_line where id = any (array(select id from line))
), children as (
  delete from holdfast.dependency d using child where d.child_id = child.child_id and d.parent_id = child.parent_id
)
select (select count(*) from line) = $2 or (select count(*) from child) = $2 as more

-- name: delete
-- $1 ids, as `clear`; those of which it has left something stay. Relies on: primary keys, dependency_parent, log_line_task.
with doomed as materialized (
  select id from unnest($1::bigint[]) as task (id)
  where not exists (select from holdfast.dependency d where d.parent_id = task.id)
    and not exists (select from holdfast.log_line l where l.task_id = task.id)
), attempts as (
  delete from holdfast.attempt where task_id = any (array(select id from doomed))
), parents as (
  delete from holdfast.dependency where child_id = any (array(select id from doomed))
), effects as (
  delete from holdfast.external_effect where task_id = any (array(select id from doomed))
)
delete from holdfast.task where id = any (array(select id from doomed))
