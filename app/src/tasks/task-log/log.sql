-- What handlers logged, where their definition keeps it.

-- name: insert
-- Arrays run in parallel, one element a line, oldest first: $1 tasks, $2 fences, $3 attempts, $4 seconds since it was
-- logged (measured by the process; the moment is the database's), $5 levels, $6 messages, $7 fields.
insert into holdfast.log_line (task_id, fence, attempt, at, level, message, fields)
select l.task_id, l.fence, l.attempt, clock_timestamp() - make_interval(secs => l.age), l.level, l.message, l.fields
from unnest($1::bigint[], $2::integer[], $3::smallint[], $4::double precision[], $5::text[], $6::text[], $7::jsonb[])
     with ordinality as l (task_id, fence, attempt, age, level, message, fields, position)
order by l.position

-- name: read
-- $1 uuid of the task, $2 the line to go on after (null: from the first), $3 most lines. No row: no such task; one
-- without an id: no lines. Relies on: task_uuid, log_line_task.
select l.id, l.attempt, l.at, l.level, l.message, l.fields
from holdfast.task t
left join lateral (
  select * from holdfast.log_line l
  where l.task_id = t.id and ($2::bigint is null or l.id > $2)
  order by l.id
  limit $3
) as l on true
where t.uuid = $1
order by l.id

-- name: forget_orphans
-- Lines of tasks that are no more, $3 at most, of the next $2 tasks with lines behind task $1. One row: the last task looked
-- at, how many were, and how many lines went. Relies on: log_line_task, from task to task; primary keys.
with recursive logged (task_id, position) as (
  (select l.task_id, 1 from holdfast.log_line l where l.task_id > $1 order by l.task_id limit 1)
  union all
  select next.task_id, logged.position + 1
  from logged
  cross join lateral (
    select l.task_id from holdfast.log_line l where l.task_id > logged.task_id order by l.task_id limit 1
  ) as next
  where logged.position < $2
), orphan as materialized (
  select l.task_id from logged l where not exists (select from holdfast.task t where t.id = l.task_id)
), line as materialized (
  select l.id
  from orphan cross join lateral (select id from holdfast.log_line where task_id = orphan.task_id limit $3) as l
  limit $3
), gone as (
  delete from holdfast.log_line where id = any (array(select id from line))
)
select (select max(task_id)::text from logged) as last, (select count(*)::integer from logged) as looked,
       (select count(*)::integer from line) as gone
