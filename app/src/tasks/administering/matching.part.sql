  select r.id, r.uuid
  from reach r
  where r.state = any ($1::text[]) and ($2::text is null or r.queue = $2) and ($3::text is null or r.name = $3)
    and r.accepted_at < $4::timestamptz
