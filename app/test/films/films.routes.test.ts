import { upsertFilms } from '../../src/films/film-store';
import { filmRowChecker } from '../../src/films/film-row';
import { startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const TITLES = [
  '100% Wolf',
  '1000 Wolves',
  'a_b',
  'axb',
  'back\\slash',
  'Éclair',
  ...Array.from({ length: 25 }, (_, i) => `Film ${String(i).padStart(2, '0')}`),
];
const IMPORT = '01234567-89ab-4cde-8f01-23456789abcd';

interface FilmsAnswer {
  readonly total: number;
  readonly page: number;
  readonly items: readonly { readonly title: string; readonly releaseDate: string }[];
}

describe('GET /api/films', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    const check = filmRowChecker(new Date());
    const films = TITLES.map((Title, i) => {
      const checked = check({ Title, 'Release Date': '1998-06-12', 'US Gross': 3_000_000_000, 'IMDB Rating': 7.5 });
      if (!('film' in checked)) throw new Error(checked.reason);
      return { row: i + 1, film: checked.film };
    });
    await test_.tasks.transaction((tx) => upsertFilms(tx, IMPORT, films));
  });
  afterAll(() => test_.close());

  async function films(parameters: Record<string, string>): Promise<FilmsAnswer> {
    const response = await test_.request({ method: 'GET', url: '/api/films', query: parameters });
    expect(response.statusCode).toBe(200);
    return response.json();
  }

  test('gives pages of 20, and an empty one behind the last', async () => {
    const pages = await Promise.all(['1', '2', '3', '100000'].map((page) => films({ page })));
    expect(pages.map(({ total, page, items }) => [total, page, items.length])).toEqual([
      [31, 1, 20],
      [31, 2, 11],
      [31, 3, 0],
      [31, 100_000, 0],
    ]);
    const titles = pages.flatMap(({ items }) => items.map(({ title }) => title));
    expect([...titles].sort()).toEqual([...TITLES].sort());
  });

  test('gives everything that is known of a film', async () => {
    expect((await films({ query: 'axb' })).items).toEqual([
      {
        id: expect.stringMatching(/^\d+$/) as unknown,
        title: 'axb',
        releaseDate: '1998-06-12',
        usGrossUsd: 3_000_000_000,
        worldwideGrossUsd: null,
        usDvdSalesUsd: null,
        productionBudgetUsd: null,
        mpaaRating: null,
        runningTimeMinutes: null,
        distributor: null,
        source: null,
        majorGenre: null,
        creativeType: null,
        director: null,
        rottenTomatoesPercent: null,
        imdbRating: 7.5,
        imdbVotes: null,
      },
    ]);
  });

  test.each([
    ['part of a title', 'ilm 1', 10],
    ['any case', 'fILM', 25],
    ['any case beyond ASCII', 'éCLAIR', 1],
    ['a percent sign as itself', '0%', 1],
    ['an underscore as itself', 'a_b', 1],
    ['a backslash as itself', '\\', 1],
    ['nothing', '', 31],
    ['what is not there', 'no such film', 0],
    ['what looks like SQL', "'; drop table app.film; --", 0],
  ])('finds %s', async (_what, query, total) => {
    expect((await films({ query })).total).toBe(total);
  });
});
