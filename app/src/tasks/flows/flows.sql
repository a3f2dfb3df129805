-- Tasks that wait for others. A row's lock guards the task's own dependencies: whoever opens or closes them holds it.
-- A parent is locked for key share while a child refers to it, which holds up neither its claim nor its end; only where
-- its failure ends a child it is locked for share, so that nobody queues it again at that moment.

-- name: parents
-- $1 uuids. What is missing was never accepted or has been pruned. Relies on: task_uuid.
select t.id, t.uuid, t.state from holdfast.task t where t.uuid = any ($1::uuid[]) order by t.id for key share of t

-- name: hold_failed
-- $1 ids of parents that were seen failed: those that still are stay so until this transaction ends.
select t.id from holdfast.task t
where t.id = any ($1::bigint[]) and t.state in ('dead', 'cancelled')
order by t.id
for share of t

-- name: begin_waiting
-- $1 uuids of children, accepted in this transaction and still queued; $2 parents, $3 their policies, $4 those of hold_failed.
-- A parent that fails or ends from here on is the sweep's.
with edge as materialized (
  select p.id, p.on_failure, t.uuid, t.name, t.state
  from unnest($2::bigint[], $3::text[]) as p (id, on_failure)
  join holdfast.task t on t.id = p.id
), verdict as materialized (
  select case when min(id) filter (where on_failure = 'cancel' and id = any ($4::bigint[])) is not null then 'cancelled'
              when bool_and(state = 'done' or (state in ('dead', 'cancelled') and on_failure = 'run')) then 'queued'
              else 'waiting' end as state,
         min(id) filter (where on_failure = 'cancel' and id = any ($4::bigint[])) as cause_id
  from edge
), noted as (
  insert into holdfast.dependency (child_id, parent_id, on_failure, open)
  select child.id, edge.id, edge.on_failure, verdict.state = 'waiting'
  from holdfast.task child cross join edge cross join verdict
  where child.uuid = any ($1::uuid[])
), changed as (
  update holdfast.task t
  set state = verdict.state,
      resume_at = case verdict.state when 'waiting' then t.run_at end,
      run_at = case verdict.state when 'waiting' then 'infinity' else t.run_at end,
      finished_at = case verdict.state when 'cancelled' then now() end,
      held_key = case verdict.state when 'cancelled' then null else t.held_key end,
      cause_id = verdict.cause_id,
      error = (select 'task ' || uuid || ' (' || name || '), for which it was to wait, is ' || edge.state
               from edge where edge.id = verdict.cause_id)
  from verdict
  where t.uuid = any ($1::uuid[]) and verdict.state <> 'queued'
)
select state from verdict

-- name: any_open
-- Relies on: dependency_open.
select exists (select from holdfast.dependency where open) as any

-- name: open_page
-- Of the waiting tasks behind $1 the next $2. Relies on: dependency_open.
select coalesce(array_agg(child_id)::text, '{}') as ids, count(*)::integer as count, max(child_id) as last
from (
  select distinct d.child_id from holdfast.dependency d where d.open and d.child_id > $1 order by d.child_id limit $2
) as page

-- name: settle
-- $1 waiting tasks. Relies on: dependency_open, primary key of task.
with candidate as materialized (
  select unnest($1::bigint[]) as id
),
-- include: settle.part.sql
select * from settled

-- name: settle_children
-- $1 tasks that have ended. The next $3 at most that wait for them, in the order of $1 and of their ids; of the first task
-- those behind $2. Every row says where the next piece begins: at which of $1 (null: there is none) and behind which child;
-- a row without an id says only that. Relies on: dependency_parent, as settle.
with piece as materialized (
  select parent.position, child.child_id
  from unnest($1::bigint[]) with ordinality as parent (id, position)
  cross join lateral (
    select d.child_id
    from holdfast.dependency d
    where d.parent_id = parent.id and d.open and d.child_id > case parent.position when 1 then $2::bigint else 0 end
    order by d.child_id
    limit $3
  ) as child
  order by parent.position, child.child_id
  limit $3
), candidate as materialized (
  select distinct child_id as id from piece
),
-- include: settle.part.sql
select settled.*, next.position, next.after::text
-- include: next-piece.part.sql
left join settled on true

-- name: retry
-- $1 uuids. Dead and cancelled tasks get as many attempts again as they were accepted with; their fences go on. One that
-- was cancelled before it ever began waits again for its parents; one that was dead because its workers were lost still
-- runs alone. Waits for a sweep that is ending children because of it. Relies on: task_uuid.
with again as materialized (
  select t.id, t.fence = 0 as unstarted, t.crashes >= 2 as alone
  from holdfast.task t
  where t.uuid = any ($1::uuid[]) and t.state in ('dead', 'cancelled')
  order by t.id
  for no key update of t
), reopened as (
  update holdfast.dependency set open = true where child_id = any (array(select id from again where unstarted))
  returning child_id
), verdict as materialized (
  -- Only who still has a parent waits: they may have been pruned at this very moment.
  select again.id, again.alone, again.id in (select child_id from reopened) as waits from again
)
update holdfast.task t
set state = case when verdict.waits then 'waiting' else 'queued' end,
    run_at = case when verdict.waits or verdict.alone then 'infinity' else now() end,
    resume_at = case when verdict.waits or verdict.alone then now() end,
    held_key = t.unique_key, shelved = false, crashes = least(t.crashes, 2), max_attempts = t.attempts + t.budget,
    dead_reason = null, finished_at = null, cancel_requested_at = null, cause_id = null
from verdict
where t.id = verdict.id
returning t.id, t.uuid, t.queue, t.priority, t.state

-- name: revive_children
-- $1 tasks that have been queued again: their children that were cancelled because of them wait again; $2 and $3 as for
-- settle_children, and so is the answer. Never with a generation in one statement with the next: the locks of this one wait
-- for sweeps that are cancelling the next, which a later statement then sees.
-- A child whose key somebody else holds by now stays cancelled. Relies on: dependency_parent, task_held_key.
with piece as materialized (
  select parent.id as parent_id, parent.position, child.child_id
  from unnest($1::bigint[]) with ordinality as parent (id, position)
  cross join lateral (
    select d.child_id
    from holdfast.dependency d
    where d.parent_id = parent.id and d.child_id > case parent.position when 1 then $2::bigint else 0 end
    order by d.child_id
    limit $3
  ) as child
  order by parent.position, child.child_id
  limit $3
), child as materialized (
  select t.id
  from piece
  join holdfast.task t on t.id = piece.child_id
  where t.state = 'cancelled'
    and t.cause_id = piece.parent_id
    and not exists (
      select from holdfast.task h
      where h.name = t.name and h.held_key = t.unique_key and h.finished_at is null
    )
  order by t.id
  for no key update of t
), chosen as materialized (
  -- Of those with one key the first.
  select distinct on (t.name, t.unique_key, case when t.unique_key is null then t.id end) t.id
  from child join holdfast.task t on t.id = child.id
  order by t.name, t.unique_key, case when t.unique_key is null then t.id end, t.id
), reopened as (
  update holdfast.dependency set open = true where child_id = any (array(select id from chosen))
), revived as (
  update holdfast.task t
  set state = 'waiting', resume_at = t.run_at, run_at = 'infinity', finished_at = null, cause_id = null, error = null,
      held_key = t.unique_key, cancel_requested_at = null
  where t.id = any (array(select id from chosen))
  returning t.id
)
select revived.*, next.position, next.after::text
-- include: next-piece.part.sql
left join revived on true

-- name: results
-- $1 child. What its parents came to. Relies on: primary key of dependency.
select p.uuid as id, p.name, p.state, p.result
from holdfast.dependency d
join holdfast.task p on p.id = d.parent_id
where d.child_id = $1
order by p.id

-- name: neighbours
-- $1 task, $2 most rows a side. Relies on: primary key of dependency, dependency_parent.
(
  select 'after' as side, p.uuid as id, p.name, p.state, d.on_failure
  from holdfast.dependency d join holdfast.task p on p.id = d.parent_id
  where d.child_id = $1 order by d.parent_id limit $2
) union all (
  select 'before' as side, c.uuid as id, c.name, c.state, d.on_failure
  from holdfast.dependency d join holdfast.task c on c.id = d.child_id
  where d.parent_id = $1 order by d.child_id limit $2
)
