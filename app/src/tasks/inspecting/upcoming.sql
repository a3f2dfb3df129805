-- name: upcoming
-- Queued tasks in the order of the moments from which they may run. $1 queue, $2 name (null: any), $3 and $4 the last task
-- before (microseconds since 1970 and id; null: from the first), $5 most rows. Tasks out of their lanes are not in it.
-- Relies on: task_due, from whose lanes no more than $5 rows each are read; for one name, as many as lie before them.
with recursive queue (name) as (
  (select t.queue from holdfast.task t where t.finished_at is null and ($1::text is null or t.queue = $1)
   order by t.queue limit 1)
  union all
  select (select t.queue from holdfast.task t where t.finished_at is null and t.queue > q.name order by t.queue limit 1)
  from queue q where $1::text is null and q.name is not null
)
select next.*, (extract(epoch from next.run_at) * 1000000)::bigint::text || '-' || next.id as cursor
from queue q
cross join generate_series(0, 3) as lane (priority)
cross join lateral (
  select t.*
  from holdfast.task t
  where t.queue = q.name
    and t.priority = lane.priority
    and t.finished_at is null
    and t.state = 'queued'
    and t.run_at < 'infinity'
    and ($2::text is null or t.name = $2)
    and ($3::bigint is null or (t.run_at, t.id) > ('epoch'::timestamptz + $3 * interval '1 microsecond', $4::bigint))
  order by t.run_at, t.id
  limit $5
) as next
order by next.run_at, next.id
limit $5
