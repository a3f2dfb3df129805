-- How full each queue was, every half minute of the last day: what the charts of the admin area show.

create table app.queue_sample (
  -- Rounded down to half a minute, so that several schedulers write one sample together.
  at                 timestamptz not null,
  queue              text not null,
  backlog            integer not null,
  oldest_age_seconds real not null,
  primary key (at, queue)
);
