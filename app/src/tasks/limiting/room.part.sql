room as materialized (
  select greatest(0, least(
           $5::integer,
           q.max_running - case when q.max_running is not null then (
             select count(distinct t.id)
             from holdfast.claim c
             cross join lateral unnest(c.task_ids) as member (id)
             join holdfast.task t on t.id = member.id
             where t.state = 'running' and t.queue = q.name
           ) end,
           q.rate_count - (
             select count(*) from unnest(q.starts) as start (at)
             where start.at > clock_timestamp() - make_interval(secs => q.rate_seconds)
           )
         )) as tasks
  from holdfast.queue q
  where q.name = $3 and q.limited and q.paused_at is null
)
