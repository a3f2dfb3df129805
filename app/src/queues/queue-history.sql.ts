/** One sample of all queues; of several schedulers the first one's counts. Relies on: primary key (at, queue). */
export const RECORD_SAMPLE = `
  insert into app.queue_sample (at, queue, backlog, oldest_age_seconds)
  select date_bin($1::integer * interval '1 second', now(), 'epoch'), given.*
  from unnest($2::text[], $3::integer[], $4::real[]) as given
  on conflict (at, queue) do nothing`;

/** Relies on: primary key (at, queue). */
export const PRUNE_SAMPLES = `delete from app.queue_sample where at < now() - $1::integer * interval '1 second'`;

/** Relies on: primary key (at, queue). */
export const RECENT_SAMPLES = `
  select queue, at, backlog, oldest_age_seconds as "oldestAgeSeconds"
  from app.queue_sample
  where at > now() - $1::integer * interval '1 second'
  order by queue, at`;
