import { z } from 'zod';
import { CACHE_HEADER } from '../cache/page-cache';
import type { PageCache } from '../cache/page-cache';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { sendJsonText } from '../http/json-text';
import { problemResponses } from '../http/problem';
import { allowed, queryNumber, storableText, strictObject, uuid, wholeNumber } from '../validation/values';
import { cachedList } from './cached-list';
import { screeningSchema, screeningTexts, toJson } from './screening';
import { SCREENINGS_PER_PAGE } from './screening-store';
import type { Screenings } from './screenings';

/** Deep pages cost as much as reading everything before them. */
export const MAX_PAGE = 100_000;
const MAX_VERSION = 2_147_483_647;

const content = {
  ...screeningTexts,
  startsAt: z.iso
    .datetime({ offset: true, ...allowed('a moment such as 2026-11-27T19:30:00+01:00') })
    .transform((text) => new Date(text))
    .meta({
      ...{ type: 'string', format: 'date-time' },
      description: 'A moment to come; a screening that has begun may keep its own',
    }),
};

export interface ScreeningRouteDependencies {
  readonly screenings: Screenings;
  readonly cache: PageCache;
  readonly authorize: Authorize;
}

export function registerScreeningRoutes(app: App, { screenings, cache, authorize }: ScreeningRouteDependencies): void {
  const params = strictObject({ id: uuid() });
  const tags = ['screenings'];
  app.get(
    '/api/screenings',
    {
      schema: {
        tags,
        summary: `Screenings to come, ${SCREENINGS_PER_PAGE} a page`,
        querystring: strictObject({
          query: storableText({ min: 0, max: 200 }).default('').describe('Text in title or description, in any case'),
          page: queryNumber({ min: 1, max: MAX_PAGE, otherwise: 1 }),
        }),
        response: {
          200: z
            .object({ total: z.int(), page: z.int(), items: z.array(screeningSchema) })
            .describe('A page; empty behind the last'),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const { query, page } = request.query;
      const { text, status } = await cachedList(cache, '/api/screenings', request.query, async () => {
        const { total, items } = await inTime(screenings.list(query, page));
        return JSON.stringify({ total, page, items: items.map(toJson) });
      });
      return sendJsonText(reply.header(CACHE_HEADER, status), text);
    },
  );
  app.get(
    '/api/screenings/:id',
    {
      schema: {
        tags,
        summary: 'One screening',
        params,
        response: { 200: screeningSchema.describe('The screening'), ...problemResponses },
      },
    },
    async (request) => toJson(await inTime(screenings.get(request.params.id))),
  );
  app.post(
    '/api/screenings',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags,
        summary: 'Add a screening',
        body: strictObject(content),
        response: { 201: screeningSchema.describe('Added'), ...problemResponses },
      },
    },
    async (request, reply) => {
      const created = await screenings.create(request.body);
      return reply.code(201).header('location', `/api/screenings/${created.id}`).send(toJson(created));
    },
  );
  app.put(
    '/api/screenings/:id',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags,
        summary: 'Change a screening',
        params,
        body: strictObject({ ...content, version: wholeNumber({ min: 1, max: MAX_VERSION }) }),
        response: { 200: screeningSchema.describe('Changed'), ...problemResponses },
      },
    },
    async (request) => {
      const { version, ...rest } = request.body;
      return toJson(await screenings.change(request.params.id, version, rest));
    },
  );
  app.delete(
    '/api/screenings/:id',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags,
        summary: 'Delete a screening',
        params,
        response: { 204: z.null().describe('Deleted'), ...problemResponses },
      },
    },
    async (request, reply) => {
      await screenings.delete(request.params.id);
      return reply.code(204).send(null);
    },
  );
}
