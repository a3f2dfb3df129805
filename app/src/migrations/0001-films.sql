-- Films and where they came from.

create table app.film (
  id                      bigint generated always as identity primary key,
  title                   text not null,
  release_date            date not null,
  release_year            integer not null generated always as (extract(year from release_date)::integer) stored,
  us_gross_usd            bigint,
  worldwide_gross_usd     bigint,
  us_dvd_sales_usd        bigint,
  production_budget_usd   bigint,
  mpaa_rating             text,
  running_time_minutes    integer,
  distributor             text,
  source                  text,
  major_genre             text,
  creative_type           text,
  director                text,
  rotten_tomatoes_percent smallint,
  imdb_rating             numeric(3, 1),
  imdb_votes              integer,
  -- Which row of which import wrote this film last.
  import_id               uuid not null,
  import_row              integer not null,
  -- What makes two rows the same film. Also the order of the film list.
  constraint film_title_year unique (title, release_year)
);

create table app.import (
  task_id     uuid primary key,
  format      text not null check (format in ('json', 'csv')),
  object_key  text not null,
  bytes       bigint not null,
  rows        integer not null,
  imported    integer not null default 0,
  refused     integer not null default 0,
  accepted_at timestamptz not null default now()
);

create table app.import_bad_row (
  task_id uuid not null references app.import (task_id) on delete cascade,
  row     integer not null,
  reason  text not null,
  primary key (task_id, row)
);
