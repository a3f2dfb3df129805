import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { COLUMNS, NUMBER_COLUMNS, REQUIRED_COLUMNS } from '../films/film-row';
import { show } from '../validation/values';
import { MalformedFileError } from './malformed-file-error';
import type { RawRow } from './raw-row';

/** Longest row, in bytes: it is held in memory as a whole. */
const MAX_ROW_BYTES = 256 * 1024;

/**
 * Reads a CSV file of films (RFC 4180, UTF-8, commas, a header line) row by row. Empty lines are skipped.
 * @throws MalformedFileError when the header is wrong or a quote is.
 */
export async function* readFilmCsv(source: Readable): AsyncGenerator<RawRow> {
  const lines = new LineCounter();
  const starts: number[] = [];
  let header: readonly string[] | undefined;
  const parser = parse({
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    // Called as each row is parsed: the parser is ahead of the loop below.
    on_record: (record, info) => {
      starts.push(lines.startOf(record, info.lines));
      return record;
    },
  });
  // Its error reaches the loop below through the parser.
  pipeline(source, parser).catch(() => undefined);
  try {
    for await (const record of parser as AsyncIterable<readonly string[]>) {
      const line = starts.shift() ?? 0;
      if (header === undefined) header = checkHeader(record);
      else yield toRow(header, record, line);
    }
  } catch (error) {
    throw error instanceof CsvError ? syntaxError(error, lines.next) : error;
  }
  if (header === undefined) {
    throw new MalformedFileError('syntax', 'The file is empty; send a CSV file with a header line.');
  }
}

/**
 * Tells on which line a row begins. The parser counts to the row's end, and within quotes it counts the two characters
 * of a Windows line break as two lines.
 */
class LineCounter {
  /** The line after the last row. */
  next = 1;
  private excess = 0;

  startOf(record: readonly string[], endLine: number): number {
    const characters = count(record, /[\r\n]/g);
    const breaks = count(record, /\r\n|\r|\n/g);
    const start = endLine - characters - this.excess;
    this.excess += characters - breaks;
    this.next = start + breaks + 1;
    return start;
  }
}

function count(record: readonly string[], pattern: RegExp): number {
  return record.reduce((sum, field) => sum + (field.match(pattern)?.length ?? 0), 0);
}

/** @throws MalformedFileError naming every column that is unknown, missing or given twice. */
function checkHeader(record: readonly string[]): readonly string[] {
  const header = record.map((name) => name.trim());
  const known: readonly string[] = COLUMNS;
  const unknown = header.filter((name) => !known.includes(name));
  const missing = REQUIRED_COLUMNS.filter((name) => !header.includes(name));
  const twice = header.filter((name, i) => known.includes(name) && header.indexOf(name) !== i);
  const mistakes = [
    ...unknown.map((name) => `${show(name)} is not a known column`),
    ...missing.map((name) => `the column ${show(name)} is missing`),
    ...twice.map((name) => `the column ${show(name)} is there twice`),
  ];
  if (mistakes.length === 0) return header;
  throw new MalformedFileError(
    'content',
    `Line 1, the header: ${mistakes.join('; ')}; allowed are ${COLUMNS.join(', ')}.`,
  );
}

function toRow(header: readonly string[], record: readonly string[], row: number): RawRow {
  if (record.length !== header.length) {
    return { row, problem: `the row has ${record.length} columns; the header has ${header.length}` };
  }
  return { row, value: Object.fromEntries(header.map((name, i) => [name, toValue(name, record[i] ?? '')])) };
}

/** An empty field means that nothing is known. Text in a number's column stays text, for the check to refuse. */
function toValue(name: string, field: string): string | number | null {
  const text = field.trim();
  if (text === '') return null;
  return NUMBER_COLUMNS.has(name) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** @param line where the row begins that could not be read, but for empty lines before it */
function syntaxError(error: CsvError, line: number): MalformedFileError {
  const [kind, problem] = PROBLEMS[error.code] ?? (['syntax', error.message] as const);
  return new MalformedFileError(kind, `The row that begins on line ${line}: ${problem}.`);
}

const PROBLEMS: Readonly<Record<string, readonly ['syntax' | 'content', string]>> = {
  CSV_QUOTE_NOT_CLOSED: ['syntax', 'a quote is opened and never closed'],
  CSV_INVALID_CLOSING_QUOTE: [
    'syntax',
    "a closing quote must be followed by a comma or the line's end; double a quote within a field",
  ],
  INVALID_OPENING_QUOTE: [
    'syntax',
    'a quote stands within a field that did not begin with one; quote the whole field and double it',
  ],
  CSV_MAX_RECORD_SIZE: ['content', `it is longer than ${MAX_ROW_BYTES} bytes, the most allowed`],
};
