import type { Readable } from 'node:stream';
import { readFilmCsv } from './film-csv';
import { readJsonArray } from './json-array';

export const FORMATS = ['json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

/** One row of a file, read but not yet checked: its value, or why it has none. */
export type RawRow =
  { readonly row: number; readonly value: unknown } | { readonly row: number; readonly problem: string };

/**
 * Reads a file row by row. `row` is the element's number from 1 (JSON) or the line on which the row begins (CSV; the
 * header is line 1).
 * @throws MalformedFileError when the file cannot be read to its end.
 */
export function readRows(format: Format, source: Readable): AsyncIterable<RawRow> {
  return format === 'json' ? readJsonArray(source) : readFilmCsv(source);
}
