/**
 * Writes a batch of films; a film that an earlier row of the same import wrote is left alone and not returned.
 * Relies on: unique constraint film_title_year (title, release_year).
 */
export const UPSERT_FILMS = `
  insert into app.film as film (
    title, release_date, us_gross_usd, worldwide_gross_usd, us_dvd_sales_usd, production_budget_usd, mpaa_rating,
    running_time_minutes, distributor, source, major_genre, creative_type, director, rotten_tomatoes_percent,
    imdb_rating, imdb_votes, import_row, import_id)
  select given.*, $18::uuid
  from unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
              $8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::smallint[],
              $15::numeric[], $16::integer[], $17::integer[]) as given
  on conflict on constraint film_title_year do update set
    release_date = excluded.release_date,
    us_gross_usd = excluded.us_gross_usd,
    worldwide_gross_usd = excluded.worldwide_gross_usd,
    us_dvd_sales_usd = excluded.us_dvd_sales_usd,
    production_budget_usd = excluded.production_budget_usd,
    mpaa_rating = excluded.mpaa_rating,
    running_time_minutes = excluded.running_time_minutes,
    distributor = excluded.distributor,
    source = excluded.source,
    major_genre = excluded.major_genre,
    creative_type = excluded.creative_type,
    director = excluded.director,
    rotten_tomatoes_percent = excluded.rotten_tomatoes_percent,
    imdb_rating = excluded.imdb_rating,
    imdb_votes = excluded.imdb_votes,
    import_row = excluded.import_row,
    import_id = excluded.import_id
  where film.import_id <> excluded.import_id or film.import_row >= excluded.import_row
  returning import_row as row`;

/** Which rows wrote these films. Relies on: film_title_year. */
export const ROWS_OF_FILMS = `
  select given.row, film.import_row as "firstRow"
  from unnest($1::text[], $2::integer[], $3::integer[]) as given (title, release_year, row)
  join app.film using (title, release_year)`;

/** Relies on: film_title_year for the order; a search reads the whole table (no index serves "contains"). */
export const LIST_FILMS = `
  select id, title, to_char(release_date, 'YYYY-MM-DD') as "releaseDate",
         us_gross_usd::float8 as "usGrossUsd", worldwide_gross_usd::float8 as "worldwideGrossUsd",
         us_dvd_sales_usd::float8 as "usDvdSalesUsd", production_budget_usd::float8 as "productionBudgetUsd",
         mpaa_rating as "mpaaRating", running_time_minutes as "runningTimeMinutes", distributor, source,
         major_genre as "majorGenre", creative_type as "creativeType", director,
         rotten_tomatoes_percent as "rottenTomatoesPercent", imdb_rating::float8 as "imdbRating",
         imdb_votes as "imdbVotes"
  from app.film
  where $1::text is null or title ilike $1 escape '\\'
  order by title, release_year
  limit $2 offset $3`;

export const COUNT_FILMS = `
  select count(*)::integer as total
  from app.film
  where $1::text is null or title ilike $1 escape '\\'`;
