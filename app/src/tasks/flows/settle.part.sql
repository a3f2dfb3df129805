edge as materialized (
  select d.child_id, d.parent_id, d.on_failure, p.state
  from candidate c
  join holdfast.dependency d on d.child_id = c.id and d.open
  join holdfast.task p on p.id = d.parent_id
), judged as materialized (
  select child_id,
         min(parent_id) filter (where on_failure = 'cancel' and state in ('dead', 'cancelled')) as cause_id,
         bool_and(state in ('done', 'dead', 'cancelled')) as over
  from edge
  group by child_id
), guilty as materialized (
  -- Locked and looked at again: one that is being queued again ends nobody. It waits until this transaction has ended,
  -- and then revives whom it has ended.
  select p.id, p.uuid, p.name, p.state
  from holdfast.task p
  where p.id = any (array(select cause_id from judged where cause_id is not null))
    and p.state in ('dead', 'cancelled')
  order by p.id
  for share of p skip locked
), decided as materialized (
  select t.id, g.id as cause_id, 'task ' || g.uuid || ' (' || g.name || '), for which it waited, is ' || g.state as why
  from judged j
  join holdfast.task t on t.id = j.child_id
  left join guilty g on g.id = j.cause_id
  where t.state = 'waiting' and (g.id is not null or (j.cause_id is null and j.over))
  order by t.id
  for no key update of t skip locked
), ended as materialized (
  -- By hand, say: it waits for nothing any more. Locked, so that one that is waiting again at this moment keeps its parents.
  select t.id
  from candidate c
  join holdfast.task t on t.id = c.id
  where t.finished_at is not null
  order by t.id
  for no key update of t skip locked
), closed as (
  update holdfast.dependency d
  set open = false
  where d.child_id = any (array(select id from decided union all select id from ended)) and d.open
), settled as (
  update holdfast.task t
  set state = case when decided.cause_id is null then 'queued' else 'cancelled' end,
      -- Due from now on, so that its wait for others does not count as a wait for a worker.
      run_at = case when decided.cause_id is null then greatest(t.resume_at, now()) else coalesce(t.resume_at, now()) end,
      resume_at = null,
      finished_at = case when decided.cause_id is null then null else now() end,
      held_key = case when decided.cause_id is null then t.held_key end,
      cause_id = decided.cause_id,
      error = decided.why
  from decided
  where t.id = decided.id
  returning t.id, t.uuid, t.name, t.queue, t.priority, t.state, t.error, t.run_at <= now() as due
)
