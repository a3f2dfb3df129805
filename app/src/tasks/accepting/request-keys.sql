-- Requests that callers named by a key: the same key means the same tasks for as long as its row is kept.

-- name: claim
-- $1 name, $2 key, $3 fingerprint, $4 task uuids. Waits for an open transaction under the same key; no row: it was
-- claimed before. Relies on: primary key of request_key.
insert into holdfast.request_key (name, key, fingerprint, task_ids, accepted_at)
values ($1, $2, $3, $4::uuid[], clock_timestamp())
on conflict (name, key) do nothing
returning key

-- name: find
-- Relies on: primary key of request_key.
select fingerprint, task_ids as "taskIds" from holdfast.request_key where name = $1 and key = $2

-- name: correct
-- $3 the tasks that this transaction's request was answered with: those of a unique key are others than were prepared.
update holdfast.request_key set task_ids = $3::uuid[] where name = $1 and key = $2

-- name: forget
-- $1 hours that they are kept, $2 most rows. Relies on: request_key_accepted.
delete from holdfast.request_key
where ctid = any (array(
  select ctid from holdfast.request_key
  where accepted_at < now() - make_interval(hours => $1)
  order by accepted_at limit $2
  for update skip locked
))
