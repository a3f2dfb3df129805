noted as (
  insert into holdfast.attempt (task_id, fence, attempt, worker_id, started_at, error)
  select t.id, t.fence, t.attempts, t.worker_id, t.started_at, 'the worker was lost while it ran this attempt'
  from orphan join holdfast.task t on t.id = orphan.id
), judged as (
  -- Which of the tasks killed the worker nobody knows, so the attempt counts only for one that ran alone (crashes >= 2).
  select t.id,
         case
           when t.cancel_requested_at is not null then 'cancelled'
           when t.crashes >= 2 and (t.attempts >= t.max_attempts or t.crashes >= 4) then 'dead'
           else 'queued'
         end as verdict
  from orphan join holdfast.task t on t.id = orphan.id
)
update holdfast.task t
set state = judged.verdict,
    attempts = case when t.crashes >= 2 then t.attempts else t.attempts - 1 end,
    crashes = t.crashes + 1,
    finished_at = case judged.verdict when 'queued' then null else now() end,
    dead_reason = case judged.verdict when 'dead' then 'worker-lost' end,
    held_key = case judged.verdict when 'queued' then t.held_key end,
    error = 'the worker was lost while it ran this attempt',
    -- From the second crash on it is out of its lane, and runs alone.
    run_at = case when judged.verdict = 'queued' and t.crashes >= 1 then 'infinity' else coalesce(t.resume_at, t.run_at) end,
    resume_at = case when judged.verdict = 'queued' and t.crashes >= 1 then coalesce(t.resume_at, t.run_at) end,
    worker_id = null, progress = null
from judged
where t.id = judged.id
returning t.id, t.uuid, t.name, t.queue, t.priority, t.state, t.attempts, t.crashes
