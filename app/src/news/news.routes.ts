import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { queryNumber, strictObject } from '../validation/values';
import { listNews, NEWS_PER_PAGE } from './news-store';

/** Deep pages cost as much as reading everything before them. */
export const MAX_PAGE = 10_000;

const itemSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    link: z.url().nullable().describe('http or https'),
    summary: z.string().describe('Plain text, may be empty'),
    feed: z.string().describe("The feed's name"),
    publishedAt: z.iso.datetime(),
  })
  .meta({ id: 'NewsItem' });

const feedSchema = z
  .object({
    feed: z.string().describe("The feed's name, or its host until it was read"),
    items: z.int(),
    readAt: z.iso.datetime().nullable(),
    failingSince: z.iso.datetime().nullable().describe('Null while it can be read'),
  })
  .meta({ id: 'NewsFeed' });

export function registerNewsRoutes(app: App, database: Queryable): void {
  app.get(
    '/api/news',
    {
      schema: {
        tags: ['news'],
        summary: `News from the feeds, newest first, ${NEWS_PER_PAGE} a page`,
        querystring: strictObject({ page: queryNumber({ min: 1, max: MAX_PAGE, otherwise: 1 }) }),
        response: {
          200: z
            .object({ total: z.int(), page: z.int(), items: z.array(itemSchema), feeds: z.array(feedSchema) })
            .describe('A page; empty behind the last'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { page } = request.query;
      const { total, items, feeds } = await inTime(listNews(database, page));
      return {
        total,
        page,
        items: items.map((item) => ({ ...item, publishedAt: item.publishedAt.toISOString() })),
        feeds: feeds.map(({ feed, items: count, readAt, failingSince }) => ({
          feed,
          items: count,
          readAt: readAt?.toISOString() ?? null,
          failingSince: failingSince?.toISOString() ?? null,
        })),
      };
    },
  );
}
