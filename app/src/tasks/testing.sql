-- name: queues
-- $1 names. Where unfinished tasks of these names are.
select distinct queue from holdfast.task where finished_at is null and name = any ($1::text[])

-- name: bring_forward
-- $1 queues, $2 names, $3 moment: what may run by then may run now.
update holdfast.task set run_at = now()
where finished_at is null and state = 'queued' and queue = any ($1::text[]) and name = any ($2::text[])
  and run_at > now() and run_at <= $3

-- name: pending
-- $1 queues, $2 names, $3 worker: what is due, runs here, or waits for nobody any more. Paused queues are left out.
-- By clock_timestamp(): what was snoozed for 0 s after this statement's now() and before its snapshot is due too.
select count(*)::integer as pending
from holdfast.task t
where t.finished_at is null and t.queue = any ($1::text[]) and t.name = any ($2::text[])
  and case t.state
    when 'running' then t.worker_id = $3
    when 'queued' then coalesce(t.resume_at, t.run_at) <= clock_timestamp() and not t.shelved
      and not exists (select from holdfast.queue q where q.name = t.queue and q.paused_at is not null)
    when 'waiting' then not exists (
      select from holdfast.dependency d join holdfast.task p on p.id = d.parent_id
      where d.child_id = t.id and p.finished_at is null
    )
    else false
  end
