/** Relies on: primary key of app.import. */
export const RECORD_IMPORT = `
  insert into app.import (task_id, format, object_key, bytes, rows) values ($1, $2, $3, $4, $5)`;

/** What an earlier attempt counted and refused is counted and refused again. Relies on: both primary keys. */
export const RESTART_IMPORT = `
  with forgotten as (delete from app.import_bad_row where task_id = $1)
  update app.import set imported = 0, refused = 0 where task_id = $1`;

export const ADD_BAD_ROWS = `
  insert into app.import_bad_row (task_id, row, reason)
  select $1, bad.row, bad.reason from unnest($2::integer[], $3::text[]) as bad (row, reason)`;

export const ADD_COUNTS = `
  update app.import set imported = imported + $2, refused = refused + $3 where task_id = $1`;

export const FIND_IMPORT = `
  select task_id as "taskId", format, bytes::float8 as bytes, rows, imported, refused from app.import where task_id = $1`;

/** Relies on: primary key (task_id, row) for the order. */
export const LIST_BAD_ROWS = `
  select row, reason from app.import_bad_row where task_id = $1 order by row limit $2 offset $3`;

/** Relies on: import_object_key. */
export const WITHOUT_IMPORT = `
  select stored.key from unnest($1::text[]) as stored (key)
  where not exists (select from app.import i where i.object_key = stored.key)`;
