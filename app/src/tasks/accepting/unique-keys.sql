-- Accepting under a key that one task of a kind holds at a time. Every statement is short, waits for nobody but whoever
-- accepts under the same key at the same time, and none writes to a task that runs.

-- name: find
-- Who holds the key ($1 name, $2 key), and whether it has never been claimed. Relies on: task_held_key.
select t.id, t.uuid, t.key_until_finish as "untilFinish",
       t.fence = 0 and t.state in ('queued', 'waiting') as "notStarted"
from holdfast.task t
where t.name = $1 and t.held_key = $2 and t.finished_at is null

-- name: insert
-- As `insert` of accept.sql, for one task under the unique key $10, held until it starts or ($11) finishes. Waits for an
-- open transaction that has just accepted under the same key; no row: somebody else holds it.
-- Relies on: task_held_key.
insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                           time_limit_seconds, unique_key, held_key, key_until_finish, trace)
values ($1::uuid, $2::text, $3::smallint, $4::text, $5::smallint, $6::jsonb, coalesce($7::timestamptz, now()),
        $8::smallint, $8::smallint, $9::integer, $10::text, $10::text, $11::boolean, $12::text)
on conflict (name, held_key) where held_key is not null and finished_at is null do nothing
returning id, queue, priority, run_at <= now() as due

-- name: replace
-- Task $1 becomes what was asked for now, if it still holds the key $2 and was never claimed; it keeps its queue. One
-- that waits for others goes on waiting; one that nobody could run may be runnable now. Relies on: primary key.
update holdfast.task t
set version = $3::smallint, priority = $4::smallint, payload = $5::jsonb, max_attempts = $7::smallint,
    budget = $7::smallint, time_limit_seconds = $8::integer, trace = $9::text, shelved = false,
    run_at = case t.state when 'waiting' then t.run_at else coalesce($6::timestamptz, now()) end,
    resume_at = case t.state when 'waiting' then coalesce($6::timestamptz, now()) end
where t.id = $1::bigint and t.held_key = $2::text and t.fence = 0 and t.state in ('queued', 'waiting')
returning t.id, t.queue, t.priority, t.state = 'queued' and t.run_at <= now() as due

-- name: keep_from_starting
-- Task $1 does not start before this transaction has ended, so that it sees what the transaction wrote. Claims pass over
-- it, nobody waits. No row: it has started meanwhile and no longer holds the key $2. Relies on: primary key.
select t.id, t.queue, t.priority, t.state = 'queued' and t.run_at <= now() as due
from holdfast.task t
where t.id = $1::bigint and t.held_key = $2::text
for share
