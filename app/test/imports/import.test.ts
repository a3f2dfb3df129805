import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { importFilmsHandler } from '../../src/imports/import.handler';
import { importFilms } from '../../src/imports/import.task';
import { handle } from '../../src/tasks';
import type { HandlerResult, TaskContext, TaskHandler } from '../../src/tasks';
import { ADMIN, eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { expectedRefusals, MOVIES_FILE, readMovies } from './movies';

interface ImportAnswer {
  readonly state: string;
  readonly progress: unknown;
  readonly rows: number;
  readonly imported: number;
  readonly refused: number;
  readonly badRows: readonly { readonly row: number; readonly reason: string }[];
}

let test_: TestApp;
beforeEach(async () => {
  test_ = await startTestApp();
});
afterEach(() => test_.close());

async function upload(type: string, payload: string | Buffer): Promise<string> {
  const response = await test_.request({
    method: 'POST',
    url: '/api/imports',
    headers: { 'content-type': type },
    payload,
  });
  expect(response.statusCode).toBe(202);
  const { taskId } = response.json<{ taskId: string }>();
  expect(response.headers['location']).toBe(`/api/imports/${taskId}`);
  return taskId;
}

async function answer(taskId: string, page = 1): Promise<ImportAnswer> {
  return (await test_.request({ method: 'GET', url: `/api/imports/${taskId}?page=${page}` })).json();
}

async function total(query = ''): Promise<number> {
  const response = await test_.request({ method: 'GET', url: `/api/films?query=${encodeURIComponent(query)}` });
  return response.json<{ total: number }>().total;
}

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(test_.objectsFolder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

/** The app's own handler, with a word before each of its transactions. */
function interrupted(before: (count: number, context: TaskContext) => void): TaskHandler {
  const real = importFilmsHandler({ tasks: test_.tasks, objects: test_.objects });
  let count = 0;
  return handle(
    importFilms,
    (context) =>
      real.run({
        ...context,
        transaction: (write) => {
          count += 1;
          before(count, context);
          return context.transaction(write);
        },
        effects: (write) => context.effects(write),
        progress: (value) => context.progress(value),
      }) as Promise<HandlerResult<typeof importFilms>>,
  );
}

describe('importing films', () => {
  test('imports the real film list, and reports exactly the rows that it must refuse', async () => {
    const movies = readMovies();
    const refused = expectedRefusals(movies);
    expect(movies).toHaveLength(3201);
    const taskId = await upload('application/json', readFileSync(MOVIES_FILE));
    expect(await answer(taskId)).toMatchObject({ state: 'queued', rows: 3201, imported: 0, refused: 0, badRows: [] });

    await test_.startWorker();
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');

    const result = await answer(taskId);
    const imported = movies.length - refused.length;
    expect(result).toMatchObject({ state: 'done', rows: 3201, imported, refused: refused.length });
    expect(result.progress).toEqual({ rows: 3201, imported, refused: refused.length, total: 3201 });
    expect(result.badRows.map(({ row }) => row)).toEqual(refused);
    expect(result.badRows.at(-1)?.reason).toBe('Title is null; allowed is text of 1 to 300 characters');
    expect((await test_.tasks.get(taskId))?.result).toEqual({ rows: 3201, imported, refused: refused.length });
    const log = await test_.request({ method: 'GET', url: `/api/tasks/${taskId}/log`, headers: ADMIN });
    expect(log.json()).toMatchObject({
      lines: [{ attempt: 1, level: 'info', message: 'films imported', fields: { rows: 3201, imported } }],
      next: null,
    });
    expect(await total()).toBe(imported);
    expect(await total('star wars')).toBe(movies.filter(({ Title }) => String(Title).includes('Star Wars')).length);
    // Titles that are numbers in the file.
    expect(await total('1941')).toBe(1);
  });

  test('deletes the file once it is imported', async () => {
    const taskId = await upload('text/csv', 'Title,Release Date\nUp,May 29 2009\n');
    expect(await storedFiles()).toHaveLength(1);
    await test_.startWorker();
    await untilFinished(test_.tasks, taskId);
    await eventually(async () => ((await storedFiles()).length === 0 ? true : undefined), 'the file is deleted');
  });

  test('reports the bad rows of a CSV file by their lines', async () => {
    const file = [
      'Title,Release Date,IMDB Rating',
      'Up,May 29 2009,8.4',
      '',
      '"A title',
      'on two lines",1998-06-12,',
      ',Jun 12 1998,5',
      'Late,Jun 12 2098,5',
      'Odd,soon,high',
      'Short,Jun 12 1998',
      'Up,May 29 2009,1.0',
      'Last,Jun 12 1998,10',
    ].join('\r\n');
    const taskId = await upload('text/csv; charset=utf-8', file);
    await test_.startWorker();
    await untilFinished(test_.tasks, taskId);
    const result = await answer(taskId);
    expect(result).toMatchObject({ state: 'done', rows: 8, imported: 3, refused: 5 });
    expect(result.badRows).toEqual([
      { row: 6, reason: 'Title is null; allowed is text of 1 to 300 characters' },
      { row: 7, reason: expect.stringMatching(/^Release Date is "Jun 12 2098"; allowed is a day from/) as unknown },
      {
        row: 8,
        reason: expect.stringMatching(/^Release Date is "soon"; .*; IMDB Rating is "high"; allowed is/) as unknown,
      },
      { row: 9, reason: 'the row has 2 columns; the header has 3' },
      { row: 10, reason: 'the row is the same film (title and release year) as row 2' },
    ]);
    const films = await test_.database.query<{ title: string; imdb_rating: string | null }>(
      'select title, imdb_rating from app.film order by title',
    );
    expect(films.rows).toEqual([
      { title: 'A title\r\non two lines', imdb_rating: null },
      { title: 'Last', imdb_rating: '10.0' },
      { title: 'Up', imdb_rating: '8.4' },
    ]);
  });

  test('gives bad rows by pages of 100', async () => {
    const rows = Array.from({ length: 230 }, (_, i) => `"",${i}`);
    const taskId = await upload('text/csv', ['Title,Release Date', ...rows].join('\n'));
    await test_.startWorker();
    await untilFinished(test_.tasks, taskId);
    const pages = await Promise.all([1, 2, 3, 4].map((page) => answer(taskId, page)));
    expect(pages.map(({ badRows }) => badRows.length)).toEqual([100, 100, 30, 0]);
    expect(pages[2]?.badRows.at(-1)?.row).toBe(231);
  });

  test('a repeated film in a later batch is refused with the row that came first', async () => {
    const films = Array.from({ length: 700 }, (_, i) => ({ Title: `Film ${i}`, 'Release Date': 'Jun 12 1998' }));
    const again = { Title: 'Film 3', 'Release Date': 'Dec 01 1998', Director: 'Another' };
    const taskId = await upload('application/json', JSON.stringify([...films, again]));
    await test_.startWorker();
    await untilFinished(test_.tasks, taskId);
    expect(await answer(taskId)).toMatchObject({
      imported: 700,
      refused: 1,
      badRows: [{ row: 701, reason: 'the row is the same film (title and release year) as row 4' }],
    });
  });

  test('importing the same file again changes no count of films', async () => {
    await test_.startWorker();
    for (const director of ['One', 'Two']) {
      const taskId = await upload(
        'application/json',
        JSON.stringify([{ Title: 'Up', 'Release Date': 'May 29 2009', Director: director }]),
      );
      await untilFinished(test_.tasks, taskId);
      expect(await answer(taskId)).toMatchObject({ imported: 1, refused: 0 });
    }
    const films = await test_.database.query('select director from app.film');
    expect(films.rows).toEqual([{ director: 'Two' }]);
  });

  test('an attempt that fails half way is repeated from the beginning without duplicates', async () => {
    const movies = readMovies();
    const refused = expectedRefusals(movies).length;
    const taskId = await upload('application/json', readFileSync(MOVIES_FILE));
    const seen: number[] = [];
    const handler = interrupted((count, { attempt }) => {
      seen.push(attempt);
      if (count === 4) throw new Error('the worker was interrupted');
    });
    await test_.startWorker([handler]);
    expect(await untilFinished(test_.tasks, taskId)).toBe('done');
    expect(new Set(seen)).toEqual(new Set([1, 2]));
    const result = await answer(taskId);
    expect(result).toMatchObject({ rows: 3201, imported: 3201 - refused, refused });
    expect(result.badRows).toHaveLength(refused);
    expect(await total()).toBe(3201 - refused);
    const task = await test_.tasks.get(taskId);
    expect(task?.attempts.map(({ error }) => error)).toEqual(['Error: the worker was interrupted', null]);
  });

  test('an import whose file is gone is dead at once with the reason', async () => {
    const taskId = await upload('text/csv', 'Title,Release Date\nUp,May 29 2009\n');
    const [name] = await storedFiles();
    await test_.objects.delete(`imports/${name ?? ''}`);
    await test_.startWorker();
    expect(await untilFinished(test_.tasks, taskId)).toBe('dead');
    const task = await test_.tasks.get(taskId);
    expect(task?.attempt).toBe(1);
    expect(task?.error).toMatch(/object imports\/.* does not exist/);
  });
});
