/**
 * Puts uploads, completions and the deletion of one screening in an order.
 * Relies on: primary key of app.screening.
 */
export const LOCK_SCREENING = `select from app.screening where id = $1 for no key update`;

export const INSERT_POSTER = `insert into app.poster (id, screening_id, task_id) values ($1, $2, $3)`;

/** Whether the poster is known, and whether a later one is shown already. Relies on: poster_shown. */
export const RANK_POSTER = `
  select exists (
    select from app.poster later
    where later.screening_id = p.screening_id and later.width is not null and later.number > p.number
  ) as "isLate"
  from app.poster p where p.id = $1`;

export const DELETE_POSTER = `delete from app.poster where id = $1`;

/** What a poster replaces, finished or not. Relies on: poster_screening. */
export const DELETE_EARLIER = `
  delete from app.poster earlier using app.poster p
  where p.id = $1 and earlier.screening_id = p.screening_id and earlier.number < p.number
  returning earlier.id`;

export const SHOW_POSTER = `update app.poster set width = $2, height = $3 where id = $1`;

/** Relies on: poster_screening. */
export const DELETE_OF_SCREENING = `delete from app.poster where screening_id = $1 returning id`;

/** Relies on: poster_shown. */
export const SHOWN_POSTER = `select id from app.poster where screening_id = $1 and width is not null`;

/** The last upload whose pictures are not there. Relies on: poster_screening. */
export const LAST_UNFINISHED = `
  select task_id as "taskId" from app.poster where screening_id = $1 and width is null order by number desc limit 1`;

/** Relies on: primary key of app.poster. */
export const WITHOUT_POSTER = `
  select given.id from unnest($1::uuid[]) as given (id)
  where not exists (select from app.poster p where p.id = given.id)`;
