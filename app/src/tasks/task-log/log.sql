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
