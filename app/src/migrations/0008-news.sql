-- News that is collected from feeds.

create table app.feed (
  id            bigint generated always as identity primary key,
  address       text not null unique,
  -- False once NEWS_FEEDS does not name it any more: it is not asked, and nothing of it is shown.
  configured    boolean not null default true,
  -- As the feed calls itself; null until it was read.
  title         text,
  -- What the last document that was stored came with; the next request asks for a change since then.
  etag          text,
  last_modified text,
  -- When it was last read, or had not changed.
  read_at       timestamptz,
  failing_since timestamptz,
  failure       text,
  -- What the last flow counted.
  items         integer not null default 0,
  new_items     integer not null default 0,
  new_at        timestamptz
);

-- What one task of a flow hands to the next: the body as it came, then what was read in it. Gone once it is stored.
create table app.feed_document (
  id            uuid primary key,
  feed_id       bigint not null references app.feed on delete cascade,
  fetched_at    timestamptz not null default now(),
  -- Where it was found in the end; relative links are counted from there.
  address       text not null,
  charset       text,
  etag          text,
  last_modified text,
  body          bytea,
  reading       json
);

create index feed_document_feed_id on app.feed_document (feed_id);
create index feed_document_fetched_at on app.feed_document (fetched_at);

create table app.news_item (
  id           bigint generated always as identity primary key,
  feed_id      bigint not null references app.feed on delete cascade,
  -- The feed's own name of it, else its link.
  guid         text not null,
  title        text not null,
  link         text,
  summary      text not null,
  published_at timestamptz not null,
  stored_at    timestamptz not null default now(),
  -- The document in which it was first seen.
  document_id  uuid not null,
  unique (feed_id, guid)
);

create index news_item_published_at on app.news_item (published_at desc, id desc);
