import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import type { Info } from 'csv-parse';
import { COLUMNS, NUMBER_COLUMNS, REQUIRED_COLUMNS } from '../films/film-row';
import { show } from '../validation/values';
import { MalformedFileError } from './malformed-file-error';
import type { RawRow } from './raw-row';

/** Longest row, in bytes: it is held in memory as a whole. */
const MAX_ROW_BYTES = 256 * 1024;

interface ParsedLine {
  readonly record: readonly string[];
  readonly info: Pick<Info, 'lines'>;
}

/**
 * Reads a CSV file of films (RFC 4180, UTF-8, commas, a header line) row by row. Empty lines are skipped.
 * @throws MalformedFileError when the header is wrong or a quote is.
 */
export async function* readFilmCsv(source: Readable): AsyncGenerator<RawRow> {
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
  });
  // Its error reaches the loop below through the parser.
  pipeline(source, parser).catch(() => undefined);
  let header: readonly string[] | undefined;
  try {
    for await (const line of parser as AsyncIterable<ParsedLine>) {
      if (header === undefined) header = checkHeader(line.record);
      else yield toRow(header, line);
    }
  } catch (error) {
    throw error instanceof CsvError ? syntaxError(error) : error;
  }
  if (header === undefined) {
    throw new MalformedFileError('syntax', 'The file is empty; send a CSV file with a header line.');
  }
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

function toRow(header: readonly string[], { record, info }: ParsedLine): RawRow {
  const row = info.lines - lineBreaks(record);
  if (record.length !== header.length) {
    return { row, problem: `the row has ${record.length} columns; the header has ${header.length}` };
  }
  return { row, value: Object.fromEntries(header.map((name, i) => [name, toValue(name, record[i] ?? '')])) };
}

/** `lines` counts to the end of the row; quoted fields may have spread it over several. */
function lineBreaks(record: readonly string[]): number {
  return record.reduce((sum, field) => sum + (field.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
}

/** An empty field means that nothing is known. Text in a number's column stays text, for the check to refuse. */
function toValue(name: string, field: string): string | number | null {
  const text = field.trim();
  if (text === '') return null;
  return NUMBER_COLUMNS.has(name) && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function syntaxError(error: CsvError): MalformedFileError {
  const line: unknown = error['lines'];
  const where = typeof line === 'number' ? `Line ${line}: ` : '';
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return new MalformedFileError('syntax', `${where}a quote is opened and never closed.`);
    case 'CSV_INVALID_CLOSING_QUOTE':
      return new MalformedFileError(
        'syntax',
        `${where}a closing quote must be followed by a comma or the line's end; double a quote within a field.`,
      );
    case 'INVALID_OPENING_QUOTE':
      return new MalformedFileError(
        'syntax',
        `${where}a quote stands within a field that did not begin with one; quote the whole field and double it.`,
      );
    case 'CSV_MAX_RECORD_SIZE':
      return new MalformedFileError(
        'content',
        `${where}the row is longer than ${MAX_ROW_BYTES} bytes, the most allowed.`,
      );
    default:
      return new MalformedFileError('syntax', `${where}${error.message}.`);
  }
}
