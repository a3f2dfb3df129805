import { Readable } from 'node:stream';
import { readFilmCsv } from '../../src/imports/film-csv';
import type { RawRow } from '../../src/imports/raw-row';

async function read(text: string): Promise<RawRow[]> {
  const rows: RawRow[] = [];
  for await (const row of readFilmCsv(Readable.from([Buffer.from(text)]))) rows.push(row);
  return rows;
}

const HEADER = 'Title,Release Date,US Gross,IMDB Rating';
const COLUMNS =
  'allowed are Title, US Gross, Worldwide Gross, US DVD Sales, Production Budget, Release Date, MPAA Rating, ' +
  'Running Time min, Distributor, Source, Major Genre, Creative Type, Director, Rotten Tomatoes Rating, IMDB Rating, ' +
  'IMDB Votes.';

describe('readFilmCsv', () => {
  test('reads numbers as numbers, empty fields as null, and text in a number column as text', async () => {
    expect(await read(`${HEADER}\nUp, May 29 2009 ,293004164,8.4\n1941,Dec 14 1979,,many\n`)).toEqual([
      { row: 2, value: { Title: 'Up', 'Release Date': 'May 29 2009', 'US Gross': 293_004_164, 'IMDB Rating': 8.4 } },
      { row: 3, value: { Title: '1941', 'Release Date': 'Dec 14 1979', 'US Gross': null, 'IMDB Rating': 'many' } },
    ]);
  });

  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('numbers rows by the line on which they begin: empty lines, quoted line breaks, %s', async (_name, end) => {
    const lines = ['\ufeffTitle,Release Date', 'a,1', '', `"b${end}b${end}",2`, '', '', '"c ""quoted"", d",3', 'e,4'];
    const rows = await read(lines.join(end));
    expect(rows.map(({ row }) => row)).toEqual([2, 4, 9, 10]);
    expect(rows[2]).toEqual({ row: 9, value: { Title: 'c "quoted", d', 'Release Date': '3' } });
  });

  test('reports a row with a wrong number of columns and goes on', async () => {
    expect(await read('Title,Release Date\na\nb,1,2\nc,3')).toEqual([
      { row: 2, problem: 'the row has 1 columns; the header has 2' },
      { row: 3, problem: 'the row has 3 columns; the header has 2' },
      { row: 4, value: { Title: 'c', 'Release Date': '3' } },
    ]);
  });

  test.each([
    ['nothing', '', 'syntax', 'The file is empty; send a CSV file with a header line.'],
    ['empty lines', '\n\n', 'syntax', 'The file is empty; send a CSV file with a header line.'],
    [
      'an unknown column',
      'Title,Release Date,Colour\n',
      'content',
      `Line 1, the header: "Colour" is not a known column; ${COLUMNS}`,
    ],
    ['a missing column', 'Title\n', 'content', `Line 1, the header: the column "Release Date" is missing; ${COLUMNS}`],
    [
      'a column that is there twice',
      'Title,Release Date,Title\n',
      'content',
      `Line 1, the header: the column "Title" is there twice; ${COLUMNS}`,
    ],
    [
      'semicolons',
      'Title;Release Date\n',
      'content',
      'Line 1, the header: "Title;Release Date" is not a known column; the column "Title" is missing; ' +
        `the column "Release Date" is missing; ${COLUMNS}`,
    ],
    [
      'an open quote',
      'Title,Release Date\na,1\n"b,2\nc,3\nd,4\n',
      'syntax',
      'The row that begins on line 3: a quote is opened and never closed.',
    ],
    [
      'text behind a closing quote',
      'Title,Release Date\n"a"b,1\n',
      'syntax',
      "The row that begins on line 2: a closing quote must be followed by a comma or the line's end; double a quote within a field.",
    ],
    [
      'a quote within a field',
      'Title,Release Date\na "b",1\n',
      'syntax',
      'The row that begins on line 2: a quote stands within a field that did not begin with one; quote the whole field and double it.',
    ],
    [
      'an endless row',
      `Title,Release Date\na,1\n${'x'.repeat(300_000)}`,
      'content',
      'The row that begins on line 3: it is longer than 262144 bytes, the most allowed.',
    ],
  ])('refuses %s', async (_what, text, kind, message) => {
    await expect(read(text)).rejects.toMatchObject({ name: 'MalformedFileError', kind, message });
  });
});
