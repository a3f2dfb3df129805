import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { queryNumber, storableText, strictObject } from '../validation/values';
import { FILMS_PER_PAGE, listFilms } from './film-store';
import type { Queryable } from '../postgres/queryable';

/** Deep pages cost as much as reading everything before them. */
const MAX_PAGE = 100_000;

const usd = z.number().nullable().describe('USD');
const word = z.string().nullable();

const filmSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    releaseDate: z.iso.date(),
    usGrossUsd: usd,
    worldwideGrossUsd: usd,
    usDvdSalesUsd: usd,
    productionBudgetUsd: usd,
    mpaaRating: word,
    runningTimeMinutes: z.int().nullable(),
    distributor: word,
    source: word,
    majorGenre: word,
    creativeType: word,
    director: word,
    rottenTomatoesPercent: z.int().nullable(),
    imdbRating: z.number().nullable(),
    imdbVotes: z.int().nullable(),
  })
  .meta({ id: 'Film' });

export function registerFilmRoutes(app: App, database: Queryable): void {
  app.get(
    '/api/films',
    {
      schema: {
        tags: ['films'],
        summary: `Films by title, ${FILMS_PER_PAGE} a page`,
        querystring: strictObject({
          query: storableText({ min: 0, max: 200 }).default('').describe('Text that the title contains, in any case'),
          page: queryNumber({ min: 1, max: MAX_PAGE, otherwise: 1 }),
        }),
        response: {
          200: z
            .object({ total: z.int(), page: z.int(), items: z.array(filmSchema) })
            .describe('A page; empty behind the last'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { query, page } = request.query;
      const { total, items } = await inTime(listFilms(database, query, page));
      return { total, page, items: [...items] };
    },
  );
}
