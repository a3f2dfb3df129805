(
  select u.queue, u.kind from holdfast.unknown_kind u
  where u.reported and exists (select from holdfast.worker w where w.expired_at is null and u.queue = any (w.queues))
)
