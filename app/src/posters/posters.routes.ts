import multipart from '@fastify/multipart';
import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { idempotencyHeaders } from '../http/idempotency-key';
import { Problem, problemResponses } from '../http/problem';
import { ObjectMissingError } from '../objects/object-store';
import { allowed, strictObject, uuid } from '../validation/values';
import { pictureKey, pictureUrl, PICTURE_WIDTHS } from './poster';
import type { PictureWidth } from './poster';
import { shownPoster } from './poster-store';
import { FIELD, MAX_FILE_BYTES, MULTIPART_OPTIONS, receivePoster, refuseOtherBodies } from './receive-poster';
import type { ReceivePosterDependencies } from './receive-poster';

export interface PosterRouteDependencies extends ReceivePosterDependencies {
  readonly database: Queryable;
  readonly authorize: Authorize;
}

export function registerPosterRoutes(app: App, dependencies: PosterRouteDependencies): void {
  // A scope of its own: here bodies are forms with files.
  void app.register(async (scope: App) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart, MULTIPART_OPTIONS);
    scope.put(
      '/api/screenings/:id/poster',
      {
        onRequest: [dependencies.authorize, refuseOtherBodies],
        schema: {
          ...administration,
          tags: ['screenings'],
          summary: 'Upload the poster of a screening',
          description:
            `A form (multipart/form-data) with one file, \`${FIELD}\`: JPEG, PNG or WebP, at most ${MAX_FILE_BYTES} bytes. ` +
            'A task makes its pictures and then shows it in place of the one before; of two uploads the later one wins.',
          consumes: ['multipart/form-data'],
          params: strictObject({ id: uuid() }),
          headers: idempotencyHeaders,
          body: z.custom<undefined>().meta({ description: `The form with the file \`${FIELD}\`` }),
          response: {
            202: z.object({ taskId: z.uuid() }).describe('Accepted: the poster will be made'),
            ...problemResponses,
          },
        },
      },
      async (request, reply) => {
        const taskId = await receivePoster(dependencies, request.params.id, request);
        return reply.code(202).header('location', `/api/tasks/${taskId}`).send({ taskId });
      },
    );
  });
  registerPicture(app, dependencies);
}

const widths = PICTURE_WIDTHS.map(String);

const pictureParams = z.object({
  id: uuid(),
  width: z
    .string()
    .refine((text) => widths.includes(text), allowed(widths.join(', ')))
    .transform((text) => Number(text) as PictureWidth),
});

/**
 * The pictures of posters, out of the object store through this process, on AWS as well. A redirect to a presigned
 * address of S3 would cost each picture a second request, would need the bucket in the pages' content security policy,
 * and could not be kept by browsers, as it changes whenever it is signed. Streamed, a picture of at most some 60 KB is
 * asked for once a reader: the address holds the poster's id and never changes its content.
 */
function registerPicture(app: App, { objects, database }: PosterRouteDependencies): void {
  app.get(
    '/screenings/:id/poster/:width',
    { schema: { hide: true, params: pictureParams, querystring: z.object({ v: uuid().optional() }) } },
    async (request, reply) => {
      const { id, width } = request.params;
      const { v } = request.query;
      if (v !== undefined) {
        try {
          const picture = await objects.get(pictureKey(v, width));
          return await reply
            .header('cache-control', 'public, max-age=31536000, immutable')
            .type('image/webp')
            .send(picture);
        } catch (error) {
          if (!(error instanceof ObjectMissingError)) throw error;
        }
      }
      // A page that was read before the poster changed.
      const shown = await inTime(shownPoster(database, id));
      if (shown === undefined || shown === v) throw new Problem(404, 'This screening has no poster.');
      return reply.redirect(pictureUrl(id, width, shown), 302);
    },
  );
}
