/** Relies on: poster_shown. */
const POSTER = `(
    select json_build_object('id', p.id, 'width', p.width, 'height', p.height)
    from app.poster p where p.screening_id = screening.id and p.width is not null
  ) as poster`;
const COLUMNS = `id, title, description, room, starts_at as "startsAt", version, ${POSTER}`;

/** A screening stays in the list until three hours after its beginning. Relies on: screening_starts_at. */
const TO_COME = `starts_at > now() - interval '3 hours'`;
const MATCHES = `($1::text is null or title ilike $1 escape '\\' or description ilike $1 escape '\\')`;

/** $1 pattern or null, $2 how many, $3 how many to leave out. */
export const LIST_SCREENINGS = `
  select ${COLUMNS} from app.screening where ${TO_COME} and ${MATCHES} order by starts_at, id limit $2 offset $3`;

export const COUNT_SCREENINGS = `select count(*)::integer as total from app.screening where ${TO_COME} and ${MATCHES}`;

export const GET_SCREENING = `select ${COLUMNS} from app.screening where id = $1`;

export const INSERT_SCREENING = `
  insert into app.screening (title, description, room, starts_at) values ($1, $2, $3, $4) returning ${COLUMNS}`;

/** $2 is the version that the change is based on; nothing is changed when it has passed. */
export const UPDATE_SCREENING = `
  update app.screening
  set title = $3, description = $4, room = $5, starts_at = $6, version = version + 1, updated_at = now()
  where id = $1 and version = $2
  returning ${COLUMNS}`;

export const DELETE_SCREENING = `delete from app.screening where id = $1 returning ${COLUMNS}`;
