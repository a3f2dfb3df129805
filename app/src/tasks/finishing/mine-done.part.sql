with mine as materialized (
  select t.id
  from holdfast.task t
  where t.id = any ($1::bigint[])
    and t.state = 'running'
    and ((t.id, t.fence) in (select d.id, d.fence from unnest($1::bigint[], $2::integer[]) as d (id, fence))) is true
  order by t.id
  for no key update skip locked
), forgotten as (
  delete from holdfast.claim where id = any ($3::bigint[])
)
