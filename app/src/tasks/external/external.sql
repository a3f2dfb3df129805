-- What tasks do to the outside: the intent before the call, the receipt after it (docs/adr/0013).

-- name: begin
-- $1 task, $2 fence, $3 key, $4 policy. Under the task's own lock, so that nobody can take the task away between the look at
-- its fence and the intent. No row: the task is no longer this attempt's. Otherwise what is known, after the intent of this
-- attempt was written where it may call: `receipt` (it happened), `call`, or `unknown`. An intent under this very fence is
-- of this attempt, whose statement was repeated. Relies on: primary keys.
with mine as materialized (
  select t.id from holdfast.task t where t.id = $1 and t.fence = $2 and t.state = 'running' for no key update
)
insert into holdfast.external_effect as e (task_id, key, on_unknown, fence)
select id, $3, $4, $2 from mine
on conflict (task_id, key) do update
set fence = case when e.receipt_at is null and excluded.on_unknown = 'repeat' then excluded.fence else e.fence end,
    on_unknown = case when e.receipt_at is null then excluded.on_unknown else e.on_unknown end
returning case when e.receipt_at is not null then 'receipt' when e.fence = $2 then 'call' else 'unknown' end as outcome,
          e.receipt

-- name: received
-- $1 task, $2 fence, $3 key, $4 policy, $5 receipt or null. Whoever has the task by now: it did happen. The first receipt
-- stays; an intent that a person took back meanwhile is written again.
insert into holdfast.external_effect as e (task_id, key, on_unknown, fence, receipt, receipt_at)
select t.id, $3, $4, $2, $5::jsonb, now() from holdfast.task t where t.id = $1
on conflict (task_id, key) do update
set receipt = excluded.receipt, receipt_at = excluded.receipt_at
where e.receipt_at is null

-- name: not_sent
-- $1 task, $2 fence, $3 key. The intent of this attempt, and of no other.
delete from holdfast.external_effect where task_id = $1 and fence = $2 and key = $3 and receipt_at is null

-- name: of_task
select key, on_unknown as "onUnknown", intent_at as "intentAt", receipt_at as "receiptAt", receipt, resolved
from holdfast.external_effect where task_id = $1 order by intent_at, key

-- name: parked_task
-- $1 uuid. Relies on: task_uuid.
select id, state from holdfast.task where uuid = $1 for no key update

-- name: in_question
-- $1 task. What a person may have to decide, with what is known by now.
select key, receipt_at is not null as received
from holdfast.external_effect where task_id = $1 and on_unknown = 'park' order by key for update

-- name: sent
-- $1 task, $2 key, $3 receipt or null.
update holdfast.external_effect set receipt = $3::jsonb, receipt_at = now(), resolved = true
where task_id = $1 and key = $2 and receipt_at is null

-- name: taken_back
-- $1 task, $2 key.
delete from holdfast.external_effect where task_id = $1 and key = $2 and receipt_at is null

-- name: queue
-- $1 task. Back into its lane, with one attempt at least.
update holdfast.task
set state = 'queued', max_attempts = greatest(max_attempts, attempts + 1), run_at = now(), resume_at = null
where id = $1 and state = 'parked'
returning id, queue, priority
