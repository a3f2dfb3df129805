import multipart from '@fastify/multipart';
import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { Problem } from '../http/problem';
import { redirectWithNotice } from '../pages/page';
import type { SendPage } from '../pages/page';
import type { Screening } from '../screenings/screening';
import type { Screenings } from '../screenings/screenings';
import { uuid } from '../validation/values';
import { FORMATS } from './pictures';
import { PosterImage } from './poster-image';
import { FIELD, MULTIPART_OPTIONS, receivePoster, refuseOtherBodies } from './receive-poster';
import type { ReceivePosterDependencies } from './receive-poster';

export interface PosterPagesDependencies extends ReceivePosterDependencies {
  readonly send: SendPage;
  readonly screenings: Screenings;
}

/** Where staff send a poster; they are led to the page of the task that makes it. */
export async function registerPosterPages(app: App, dependencies: PosterPagesDependencies): Promise<void> {
  const { send, screenings } = dependencies;
  await app.register(async (scope: App) => {
    await scope.register(multipart, MULTIPART_OPTIONS);
    scope.post(
      '/staff/screenings/:id/poster',
      { onRequest: refuseOtherBodies, schema: { hide: true, params: z.object({ id: uuid() }) } },
      async (request, reply) => {
        const { id } = request.params;
        try {
          const taskId = await receivePoster(dependencies, id, request);
          return await redirectWithNotice(reply, `/tasks/${taskId}`, 'The file is here; its pictures are being made.');
        } catch (error) {
          if (!(error instanceof Problem) || error.status >= 500 || error.status === 404) throw error;
          const screening = await inTime(screenings.get(id));
          void reply.headers(error.headers);
          return send(request, reply, {
            title: `Poster of ${screening.title}`,
            status: error.status,
            body: <Refused screening={screening} reason={error.detail} />,
          });
        }
      },
    );
  });
}

function Refused({ screening, reason }: { readonly screening: Screening; readonly reason: string }) {
  return (
    <article class="narrow">
      <h1>Poster of {screening.title}</h1>
      <PosterForm screening={screening} reason={reason} />
      <p>
        <a href={`/staff/screenings/${screening.id}`}>Back to the screening</a>
      </p>
    </article>
  );
}

export interface PosterFormProps {
  readonly screening: Screening;
  /** Task of the last upload that is not shown. */
  readonly unfinishedTask?: string | undefined;
  /** Why the file that was just sent was refused. */
  readonly reason?: string;
}

/** The poster that is shown, and the form for another one. */
export function PosterForm({ screening, unfinishedTask, reason }: PosterFormProps) {
  const notes = reason === undefined ? 'poster-hint' : 'poster-hint poster-error';
  return (
    <section class="card poster-form" aria-labelledby="poster-heading">
      <PosterImage screening={screening} sizes="7rem" />
      <form method="post" action={`/staff/screenings/${screening.id}/poster`} encType="multipart/form-data">
        <h2 id="poster-heading">Poster</h2>
        {unfinishedTask === undefined ? null : (
          <p>
            The last file that was sent is not shown: <a href={`/tasks/${unfinishedTask}`}>what became of it</a>
          </p>
        )}
        <div class="field">
          <label for="poster">Image</label>
          <p class="hint" id="poster-hint">
            JPEG, PNG or WebP, at most 10 MiB; upright ones look best.
          </p>
          <input
            id="poster"
            name={FIELD}
            type="file"
            required
            accept={Object.values(FORMATS)
              .map(({ type }) => type)
              .join(',')}
            aria-describedby={notes}
            aria-invalid={reason === undefined ? undefined : 'true'}
          />
          {reason === undefined ? null : (
            <p class="error" id="poster-error">
              {reason}
            </p>
          )}
        </div>
        <button>{screening.poster === null ? 'Add the poster' : 'Replace the poster'}</button>
      </form>
    </section>
  );
}
