-- Accepting tasks. One statement takes any number of rows; arrays run in parallel, one element a task.

-- name: insert
-- Relies on: unique index task_uuid.
insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                           time_limit_seconds, trace)
select a.uuid, a.name, a.version, a.queue, a.priority, a.payload, coalesce(a.run_at, now()), a.attempts, a.attempts,
       a.time_limit_seconds, a.trace
from unnest($1::uuid[], $2::text[], $3::smallint[], $4::text[], $5::smallint[], $6::jsonb[], $7::timestamptz[],
            $8::smallint[], $9::integer[], $10::text[])
     with ordinality
     as a (uuid, name, version, queue, priority, payload, run_at, attempts, time_limit_seconds, trace, position)
order by a.position
returning id, uuid
