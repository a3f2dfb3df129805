/** Relies on: feed_address_key. Locks nothing while the feeds are the same as before. */
export const ADD_FEEDS = `
  insert into app.feed (address) select unnest($1::text[]) order by 1 on conflict (address) do nothing`;

export const CONFIGURE_FEEDS = `
  update app.feed set configured = (address = any ($1)) where configured <> (address = any ($1))`;

/** In one order for all, since each is locked by its unique key. */
export const CONFIGURED_FEEDS = `select id::text from app.feed where address = any ($1) order by id`;

/** What flows left behind that ended before their documents were stored. Relies on: feed_document_fetched_at. */
export const FORGET_DOCUMENTS = `delete from app.feed_document where fetched_at < now() - interval '1 day'`;

export const GET_FEED = `
  select address, etag, last_modified as "lastModified" from app.feed where id = $1 and configured`;

export const FEED_READ = `
  update app.feed set read_at = now(), failing_since = null, failure = null where id = $1`;

export const FEED_FAILED = `
  update app.feed set failing_since = coalesce(failing_since, now()), failure = $2 where id = $1`;

export const ADD_DOCUMENT = `
  insert into app.feed_document (id, feed_id, address, charset, etag, last_modified, body)
  values ($1, $2, $3, $4, $5, $6, $7)`;

export const GET_DOCUMENT = `select address, charset, body from app.feed_document where id = $1 and body is not null`;

export const ADD_READING = `update app.feed_document set reading = $2, body = null where id = $1`;

export const DELETE_DOCUMENT = `delete from app.feed_document where id = $1`;

/** Two flows of one feed store one after the other, since the first statement of each locks the feed. */
export const STORE_FEED = `
  update app.feed f
  set title = coalesce(nullif(d.reading ->> 'title', ''), f.title), etag = d.etag, last_modified = d.last_modified,
    read_at = now(), failing_since = null, failure = null
  from app.feed_document d
  where d.id = $1 and d.reading is not null and f.id = d.feed_id`;

/** An item of the future would stay on top until then, so it counts as of now. Relies on: news_item_feed_id_guid_key. */
export const STORE_ITEMS = `
  insert into app.news_item (feed_id, guid, title, link, summary, published_at, document_id)
  select d.feed_id, i.guid, i.title, i.link, i.summary, least(coalesce(i."publishedAt", d.fetched_at), now()), d.id
  from app.feed_document d
    cross join json_to_recordset(d.reading -> 'items')
      as i (guid text, title text, link text, summary text, "publishedAt" timestamptz)
  where d.id = $1
  on conflict (feed_id, guid) do nothing`;

/** Three months are kept, and what the feed itself still lists: it would come back as new. */
export const FORGET_ITEMS = `
  delete from app.news_item n
  using app.feed_document d
  where d.id = $1 and n.feed_id = d.feed_id and n.stored_at < now() - interval '90 days'
    and not exists (select from json_array_elements(d.reading -> 'items') i where i ->> 'guid' = n.guid)`;

/** Relies on: news_item_feed_id_guid_key. */
export const COUNT_NEW = `
  with counted as (
    select count(*)::integer as items, (count(*) filter (where document_id = $2))::integer as new_items
    from app.news_item where feed_id = $1
  )
  update app.feed f
  set items = c.items,
    new_items = case when c.new_items > 0 then c.new_items else f.new_items end,
    new_at = case when c.new_items > 0 then now() else f.new_at end
  from counted c
  where f.id = $1
  returning c.new_items as "newItems"`;

/** Relies on: news_item_published_at. */
export const LIST_NEWS = `
  select n.id::text, n.title, n.link, n.summary, n.published_at as "publishedAt", f.title as "feedTitle",
    f.address as "feedAddress"
  from app.news_item n join app.feed f on f.id = n.feed_id
  where f.configured
  order by n.published_at desc, n.id desc limit $1 offset $2`;

export const COUNT_NEWS = `
  select count(*)::integer as total from app.news_item n join app.feed f on f.id = n.feed_id where f.configured`;

export const LIST_FEEDS = `
  select title as "feedTitle", address as "feedAddress", items, new_items as "newItems", new_at as "newAt",
    read_at as "readAt", failing_since as "failingSince", failure
  from app.feed where configured order by title nulls first, id`;
