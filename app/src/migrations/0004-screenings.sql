-- What the library shows, and when.

create table app.screening (
  id          uuid primary key default gen_random_uuid(),
  title       text not null,
  description text not null default '',
  room        text not null,
  starts_at   timestamptz not null,
  -- Grows by one at every change, so that nobody overwrites what he has not seen.
  version     integer not null default 1,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now()
);

-- The list: what is still to come, in order.
create index screening_starts_at on app.screening (starts_at, id);
