-- concurrently
-- Indexes of 0003's columns. Tasks are accepted, claimed and ended all the while, however many there are.
-- Every column of these predicates changes rarely, so that claims stay heap-only updates (docs/adr/0003).

-- name: task_held_key
-- Builds from before 0003 end tasks without freeing their keys: what has ended keeps nobody out.
create unique index concurrently task_held_key on holdfast.task (name, held_key)
where held_key is not null and finished_at is null

-- name: task_suspect
create index concurrently task_suspect on holdfast.task (queue, resume_at, id) where crashes >= 2 and finished_at is null

-- name: task_shelved
create index concurrently task_shelved on holdfast.task (queue, name, version, id) where shelved and finished_at is null

-- name: task_parked
create index concurrently task_parked on holdfast.task (id) where resume_at is not null and finished_at is null
