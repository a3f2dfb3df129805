import { z } from 'zod';
import { allowed, decimalNumber, show, storableText, strictObject, wholeNumber } from '../validation/values';
import { EARLIEST_RELEASE, latestRelease, parseReleaseDate, releaseDateForms } from './release-date';

/** A film as a row of an import file gives it, checked. Money is in USD. */
export interface FilmRow {
  readonly title: string;
  /** ISO 8601, for example 1998-06-12. */
  readonly releaseDate: string;
  readonly usGrossUsd: number | null;
  readonly worldwideGrossUsd: number | null;
  readonly usDvdSalesUsd: number | null;
  readonly productionBudgetUsd: number | null;
  readonly mpaaRating: string | null;
  readonly runningTimeMinutes: number | null;
  readonly distributor: string | null;
  readonly source: string | null;
  readonly majorGenre: string | null;
  readonly creativeType: string | null;
  readonly director: string | null;
  readonly rottenTomatoesPercent: number | null;
  readonly imdbRating: number | null;
  readonly imdbVotes: number | null;
}

const MAX_USD = 100_000_000_000;

const title = z.preprocess(
  // Titles such as 1941 or 300 are numbers in JSON that was made from a spreadsheet.
  (value) => (typeof value === 'number' && Number.isFinite(value) ? String(value) : trim(value)),
  storableText({ min: 1, max: 300 }),
);
const words = () => optional(z.preprocess(trim, storableText({ min: 1, max: 200 })));
const dollars = () => optional(wholeNumber({ min: 0, max: MAX_USD }));

/** The columns of an import file: those of the public "movies" list (vega-datasets, BSD-3). */
function columns(latest: string) {
  return {
    Title: title,
    'US Gross': dollars(),
    'Worldwide Gross': dollars(),
    'US DVD Sales': dollars(),
    'Production Budget': dollars(),
    'Release Date': releaseDate(latest),
    'MPAA Rating': words(),
    'Running Time min': optional(wholeNumber({ min: 1, max: 6000 })),
    Distributor: words(),
    Source: words(),
    'Major Genre': words(),
    'Creative Type': words(),
    Director: words(),
    'Rotten Tomatoes Rating': optional(wholeNumber({ min: 0, max: 100 })),
    'IMDB Rating': optional(decimalNumber({ min: 0, max: 10 })),
    'IMDB Votes': optional(wholeNumber({ min: 0, max: 2_000_000_000 })),
  };
}

export type Column = keyof ReturnType<typeof columns>;
export const COLUMNS = Object.keys(columns(EARLIEST_RELEASE)) as Column[];
export const REQUIRED_COLUMNS: readonly Column[] = ['Title', 'Release Date'];
/** Columns that hold numbers, which a CSV file can only write as text. */
export const NUMBER_COLUMNS: ReadonlySet<string> = new Set<Column>([
  'US Gross',
  'Worldwide Gross',
  'US DVD Sales',
  'Production Budget',
  'Running Time min',
  'Rotten Tomatoes Rating',
  'IMDB Rating',
  'IMDB Votes',
]);

export type CheckedRow = { readonly film: FilmRow } | { readonly reason: string };

/**
 * @param receivedAt when the file was uploaded: release dates lie at most five years after it
 * @returns a function that turns one row into a film, or says why it is none.
 */
export function filmRowChecker(receivedAt: Date): (value: unknown) => CheckedRow {
  const schema = strictObject(columns(latestRelease(receivedAt)));
  return (value) => {
    const result = schema.safeParse(value);
    return result.success ? { film: toFilm(result.data) } : { reason: reasonOf(result.error) };
  };
}

function releaseDate(latest: string) {
  const rule = `a day from ${EARLIEST_RELEASE} to ${latest}, ${releaseDateForms}`;
  return z.string(allowed(rule)).transform((text, context): string => {
    const date = parseReleaseDate(text.trim());
    if (date !== undefined && date >= EARLIEST_RELEASE && date <= latest) return date;
    context.addIssue({ code: 'custom', message: `is ${show(text)}; allowed is ${rule}` });
    return z.NEVER;
  });
}

/** Missing means the same as null. */
function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? null);
}

function trim(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value;
}

function reasonOf(error: z.ZodError): string {
  return error.issues
    .flatMap((issue) =>
      (issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.')]).map((path) => ({ path, issue })),
    )
    .map(({ path, issue }) => `${path === '' ? 'the row' : path} ${issue.message}`)
    .join('; ');
}

function toFilm(row: z.output<z.ZodObject<ReturnType<typeof columns>>>): FilmRow {
  return {
    title: row.Title,
    releaseDate: row['Release Date'],
    usGrossUsd: row['US Gross'],
    worldwideGrossUsd: row['Worldwide Gross'],
    usDvdSalesUsd: row['US DVD Sales'],
    productionBudgetUsd: row['Production Budget'],
    mpaaRating: row['MPAA Rating'],
    runningTimeMinutes: row['Running Time min'],
    distributor: row.Distributor,
    source: row.Source,
    majorGenre: row['Major Genre'],
    creativeType: row['Creative Type'],
    director: row.Director,
    rottenTomatoesPercent: row['Rotten Tomatoes Rating'],
    imdbRating: row['IMDB Rating'],
    imdbVotes: row['IMDB Votes'],
  };
}
