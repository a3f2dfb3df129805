-- What the ledger weighs. Reads statistics and a thousand rows; counts nothing.

-- name: tables
select c.relname as name, pg_table_size(c.oid)::float8 as table_bytes, pg_indexes_size(c.oid)::float8 as index_bytes,
       coalesce(s.n_live_tup, 0)::float8 as live_rows, coalesce(s.n_dead_tup, 0)::float8 as dead_rows
from pg_class c
left join pg_stat_all_tables s on s.relid = c.oid
where c.relnamespace = 'holdfast'::regnamespace and c.relkind = 'r'
order by c.relname

-- name: oldest
-- Among the thousand oldest tasks: with pruning at work, one that has outlived its retention can be nowhere else.
-- Relies on: primary key.
select extract(epoch from now() - min(head.finished_at))::float8 as oldest_finished_age_seconds,
       extract(epoch from now() - (select completed_at from holdfast.chore where name = $1))::float8
         as since_pruned_seconds
from (select finished_at from holdfast.task order by id limit 1000) as head
