/** $1 address: callers with the same one go one after the other until their transactions end. */
export const LOCK_ADDRESS = `select pg_advisory_xact_lock(hashtextextended('contact ' || $1, 0))`;

/**
 * $1 address, $2 the most codes in an hour. Seconds until the address may be sent another; no row when it may be now.
 * Relies on: contact_address.
 */
export const SECONDS_TO_NEXT_CODE = `
  select ceil(extract(epoch from created_at + interval '1 hour' - now()))::integer as seconds
  from app.contact where address = $1 and created_at > now() - interval '1 hour'
  order by created_at desc offset $2 - 1 limit 1`;

export const INSERT_CONTACT = `insert into app.contact (id, channel, address) values ($1, $2, $3)`;

const COLUMNS = `id, channel, address, verified_at is not null as verified`;

export const GET_CONTACT = `select ${COLUMNS} from app.contact where id = $1`;

/** $1 id, $2 minutes. The contact that a code is to be sent to; no row when it needs none any more. */
export const WANTS_CODE = `
  select ${COLUMNS} from app.contact
  where id = $1 and verified_at is null and created_at > now() - $2 * interval '1 minute'`;

/** $1 contact, $2 hash, $3 minutes. */
export const ADD_CODE = `
  insert into app.contact_code (contact_id, hash, expires_at) values ($1, $2, now() + $3 * interval '1 minute')
  on conflict (contact_id, hash) do update set expires_at = excluded.expires_at`;

/** $1 id, $2 the most tries. No row when there were as many before, or none is needed any more. */
export const COUNT_TRY = `
  update app.contact set tries = tries + 1 where id = $1 and tries < $2 and verified_at is null returning tries`;

export const LIST_CODES = `select hash, expires_at > now() as valid from app.contact_code where contact_id = $1`;

/** The codes have done their work. */
export const VERIFY = `
  with used as (delete from app.contact_code where contact_id = $1)
  update app.contact set verified_at = now() where id = $1 and verified_at is null`;

/**
 * Locks addresses that nothing needs, a day after they were given; $1 the most. One that is being given a reminder at
 * this moment is locked and passed over. Relies on: contact_created_at, reminder_contact_id.
 */
export const LOCK_UNNEEDED = `
  select id from app.contact where created_at < now() - interval '1 day'
  and not exists (select from app.reminder where contact_id = contact.id)
  order by created_at limit $1 for update skip locked`;

/**
 * $1 ids that this transaction has locked. A statement of its own, which sees reminders that were committed before the
 * lock was had; deleting the contact would take them along.
 */
export const FORGET_CONTACTS = `
  delete from app.contact where id = any ($1::uuid[])
  and not exists (select from app.reminder where contact_id = contact.id)`;
