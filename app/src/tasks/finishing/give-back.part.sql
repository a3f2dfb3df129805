update holdfast.task t
set state = case when t.cancel_requested_at is null then 'queued' else 'cancelled' end,
    finished_at = case when t.cancel_requested_at is null then null else now() end,
    held_key = case when t.cancel_requested_at is null then t.held_key end,
    attempts = t.attempts - 1, worker_id = null, started_at = null
from lost
where t.id = lost.id
returning t.id, t.fence, t.queue, t.priority, t.state
