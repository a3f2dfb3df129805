import type { Transaction } from '../tasks';
import type { Queryable } from '../postgres/queryable';
import type { FilmRow } from './film-row';
import { COUNT_FILMS, LIST_FILMS, ROWS_OF_FILMS, UPSERT_FILMS } from './films.sql';

export interface NumberedFilm {
  /** Where the film stands in its file. */
  readonly row: number;
  readonly film: FilmRow;
}

export interface RepeatedFilm {
  readonly row: number;
  /** The row of the same import that gave the same film before. */
  readonly firstRow: number;
}

export interface Film extends FilmRow {
  readonly id: string;
}

export interface FilmPage {
  readonly total: number;
  readonly items: readonly Film[];
}

export const FILMS_PER_PAGE = 20;

/**
 * Inserts films or overwrites those that are known; title and release year make two rows the same film. Within one
 * import the first row of a film wins, also when the import runs again.
 * @returns the rows that gave a film again.
 */
export async function upsertFilms(
  tx: Transaction,
  importId: string,
  given: readonly NumberedFilm[],
): Promise<RepeatedFilm[]> {
  const { films, repeated } = firstOfEach(given);
  // One order for all imports, so that two of them cannot wait for each other's rows.
  films.sort((a, b) => (filmKey(a.film) < filmKey(b.film) ? -1 : 1));
  const written = await tx.query<{ row: number }>(UPSERT_FILMS, [...toColumns(films), importId]);
  const rows = new Set(written.rows.map(({ row }) => row));
  const left = films.filter(({ row }) => !rows.has(row));
  if (left.length > 0) {
    const known = await tx.query<RepeatedFilm>(ROWS_OF_FILMS, [
      left.map(({ film }) => film.title),
      left.map(({ film }) => Number(film.releaseDate.slice(0, 4))),
      left.map(({ row }) => row),
    ]);
    repeated.push(...known.rows);
  }
  return repeated;
}

/**
 * @param query text that the title must contain in any case; empty for all films
 * @param page from 1
 */
export async function listFilms(database: Queryable, query: string, page: number): Promise<FilmPage> {
  const pattern = query === '' ? null : `%${query.replace(/[\\%_]/g, '\\$&')}%`;
  const [count, films] = await Promise.all([
    database.query<{ total: number }>(COUNT_FILMS, [pattern]),
    database.query<Film>(LIST_FILMS, [pattern, FILMS_PER_PAGE, (page - 1) * FILMS_PER_PAGE]),
  ]);
  return { total: count.rows[0]?.total ?? 0, items: films.rows };
}

/** One statement may write a film once only. */
function firstOfEach(given: readonly NumberedFilm[]): { films: NumberedFilm[]; repeated: RepeatedFilm[] } {
  const first = new Map<string, NumberedFilm>();
  const repeated: RepeatedFilm[] = [];
  for (const numbered of given) {
    const known = first.get(filmKey(numbered.film));
    if (known === undefined) first.set(filmKey(numbered.film), numbered);
    else repeated.push({ row: numbered.row, firstRow: known.row });
  }
  return { films: [...first.values()], repeated };
}

function filmKey(film: FilmRow): string {
  return `${film.releaseDate.slice(0, 4)} ${film.title}`;
}

/** The parameters of UPSERT_FILMS, one array a column. */
function toColumns(films: readonly NumberedFilm[]): unknown[][] {
  return [
    films.map(({ film }) => film.title),
    films.map(({ film }) => film.releaseDate),
    films.map(({ film }) => film.usGrossUsd),
    films.map(({ film }) => film.worldwideGrossUsd),
    films.map(({ film }) => film.usDvdSalesUsd),
    films.map(({ film }) => film.productionBudgetUsd),
    films.map(({ film }) => film.mpaaRating),
    films.map(({ film }) => film.runningTimeMinutes),
    films.map(({ film }) => film.distributor),
    films.map(({ film }) => film.source),
    films.map(({ film }) => film.majorGenre),
    films.map(({ film }) => film.creativeType),
    films.map(({ film }) => film.director),
    films.map(({ film }) => film.rottenTomatoesPercent),
    films.map(({ film }) => film.imdbRating),
    films.map(({ film }) => film.imdbVotes),
    films.map(({ row }) => row),
  ];
}
