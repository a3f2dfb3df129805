from (select) as one
left join (
  select last.position::integer, last.child_id as after
  from piece as last
  where (select count(*) from piece) = $3
  order by last.position desc, last.child_id desc
  limit 1
) as next on true
