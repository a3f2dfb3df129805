claimed as (
  update holdfast.task t
  set state = 'running', fence = t.fence + 1, attempts = t.attempts + 1, worker_id = $1,
      started_at = clock_timestamp(), progress = null,
      held_key = case when t.key_until_finish then t.held_key end
  where t.id = any (array(select id from picked))
  returning t.id, t.uuid, t.name, t.version, t.queue, t.priority, t.payload, t.fence, t.attempts as attempt,
            t.max_attempts as "maxAttempts", t.budget, t.time_limit_seconds as "timeLimitSeconds", t.trace,
            t.crashes >= 2 as suspect
), written_down as (
  insert into holdfast.claim (worker_id, task_ids)
  select $1, array_agg(id) from claimed having count(*) > 0
  returning id
)
select claimed.*, (select id from written_down) as "claimId" from claimed
