-- Which kind of worker a registration is. Workers of the version before name no kind and get the default, so both
-- versions can work side by side; nothing has to be contracted later.

-- The change takes an instant but must have the table for itself. Behind a transaction that holds it long (a backup),
-- waiting would hold up every heartbeat queued after it, until all leases end; failing and trying again costs nobody.
set local lock_timeout = '3s';
alter table holdfast.worker add column worker_kind text not null default 'default';
