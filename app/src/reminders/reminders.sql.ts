// Nothing reads or writes app.reminder.sent_at any more. The column stays for one release, as processes of the version
// before still write it while a deploy is under way; a later migration may drop it.

/**
 * When a reminder goes out: at $time on the day of the screening, in the library's zone; an hour before the screening
 * where that is earlier. $1 is the zone, $2 the time of day.
 */
const DAY = `(screening.starts_at at time zone $1)::date`;
const REMIND_AT = `least((${DAY} + $2::time) at time zone $1, screening.starts_at - interval '1 hour')`;

/** $1 zone, $2 time of day, $3 screening. */
export const REMIND_AT_OF_SCREENING = `
  select ${REMIND_AT} as "remindAt", screening.starts_at <= now() as begun from app.screening where id = $3`;

/**
 * $1 screening, $2 contact, $3 its address. No row when the address has a reminder of this screening already, or the
 * contact was forgotten at this moment: the lock keeps it from being forgotten until the reminder is there.
 */
export const INSERT_REMINDER = `
  with kept as (select id from app.contact where id = $2 for key share)
  insert into app.reminder (screening_id, contact_id, address) select $1, kept.id, $3 from kept
  on conflict (screening_id, address) do nothing returning id`;

export const FIND_REMINDER = `select id from app.reminder where screening_id = $1 and address = $2`;

/**
 * $1 zone, $2 time of day, $3 moment, $4 the most. Marks those that are due as accepted for the day of their screening
 * and returns them; what another transaction is about to mark is passed over. Relies on: screening_starts_at and the
 * unique (screening_id, address).
 */
export const TAKE_DUE = `
  with due as (
    select reminder.id, ${DAY} as day
    from app.screening join app.reminder on reminder.screening_id = screening.id
    where screening.starts_at > $3 and screening.starts_at < $3::timestamptz + interval '25 hours'
      and ${REMIND_AT} <= $3 and reminder.accepted_for is distinct from ${DAY}
    order by screening.starts_at, reminder.id limit $4
    for update of reminder skip locked
  )
  update app.reminder set accepted_for = due.day from due where reminder.id = due.id
  returning reminder.id, due.day::text as day`;

/** $1 zone, $2 reminder. */
export const GET_TO_SEND = `
  select reminder.token, contact.channel, contact.address, screening.id as "screeningId", screening.title,
    screening.room, screening.starts_at as "startsAt", ${DAY}::text as day, screening.starts_at <= now() as begun
  from app.reminder join app.contact on contact.id = reminder.contact_id
  join app.screening on screening.id = reminder.screening_id
  where reminder.id = $2`;

/** $1 reminder, $2 day. A task for that day has ended without a word: should the screening come back to it, it is due. */
export const GIVE_UP_DAY = `update app.reminder set accepted_for = null where id = $1 and accepted_for = $2::date`;

/** $1 token. */
export const GET_BY_TOKEN = `
  select screening.title, screening.starts_at as "startsAt"
  from app.reminder join app.screening on screening.id = reminder.screening_id where reminder.token = $1`;

export const DELETE_BY_TOKEN = `delete from app.reminder where token = $1`;

/** $1 the most. Of screenings that were over a week ago. Relies on: screening_starts_at. */
export const FORGET_REMINDERS = `
  delete from app.reminder where id in (
    select reminder.id from app.screening join app.reminder on reminder.screening_id = screening.id
    where screening.starts_at < now() - interval '7 days' limit $1)`;
