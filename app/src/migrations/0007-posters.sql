-- Posters of screenings: each upload is a row, and at most one of a screening's is shown.

create table app.poster (
  -- Part of the keys of its objects and of the addresses of its pictures.
  id           uuid primary key,
  -- Whoever deletes a screening has to see to its posters, whose objects would otherwise stay; checked at the commit.
  screening_id uuid not null references app.screening (id) deferrable initially deferred,
  -- The order in which uploads were accepted: the highest one wins.
  number       bigint generated always as identity,
  task_id      uuid not null,
  -- Size of the upright image in pixels; null until its pictures are made.
  width        integer,
  height       integer,
  accepted_at  timestamptz not null default now(),
  check ((width is null) = (height is null))
);

create index poster_screening on app.poster (screening_id, number);
create unique index poster_shown on app.poster (screening_id) where width is not null;
