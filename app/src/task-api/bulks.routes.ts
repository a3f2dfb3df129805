import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import { problemResponses } from '../http/problem';
import { BULK_STATES } from '../tasks';
import type { TaskState } from '../tasks';
import { allowed, engineName, oneOf, storableText, strictObject } from '../validation/values';
import type { TaskRouteDependencies } from './tasks.routes';

/** A bulk goes on this long within a request; what is left is for the next one. */
const BULK_MS = 3_000;

export function registerBulkRoutes(app: App, { tasks, authorize }: TaskRouteDependencies): void {
  for (const { action, summary, states, otherwise, run } of [
    {
      action: 'retry',
      summary: 'Queue all dead tasks that the filter finds again, or all cancelled ones',
      states: BULK_STATES.retry,
      otherwise: 'dead',
      run: tasks.retryAll.bind(tasks),
    },
    {
      action: 'cancel',
      summary: 'Cancel all unfinished tasks that the filter finds',
      states: BULK_STATES.cancel,
      otherwise: 'all that are possible',
      run: tasks.cancelAll.bind(tasks),
    },
    {
      action: 'discard',
      summary: 'Set all dead and parked tasks that the filter finds aside, as cancelled',
      states: BULK_STATES.discard,
      otherwise: 'all that are possible',
      run: tasks.discardAll.bind(tasks),
    },
  ]) {
    app.post(
      `/api/tasks/${action}`,
      {
        onRequest: authorize,
        schema: {
          ...administration,
          tags: ['tasks'],
          summary,
          body: strictObject({
            queue: engineName().optional(),
            name: engineName().optional(),
            state: oneOf(states as readonly [string, ...string[]])
              .optional()
              .describe(`Left out: ${otherwise}`),
            acceptedBefore: z.iso
              .datetime({ offset: true, ...allowed('a moment such as 2026-01-31T12:00:00Z') })
              .optional()
              .describe('Left out: the moment at which the bulk began'),
            after: storableText({ min: 1, max: 1_000 })
              .optional()
              .describe('`next` of the answer before, together with the same filter'),
          }),
          response: {
            200: z
              .object({
                changed: z.int(),
                requested: z.int().describe('Running ones whose workers were asked'),
                left: z
                  .int()
                  .describe(
                    'Found, but held by somebody or changed meanwhile; with `after`, in the calls before as well',
                  ),
                complete: z.boolean().describe('False when time was up: send `next` as `after` for the rest'),
                next: z.string().nullable().describe('Null when it is complete'),
              })
              .describe('How many tasks it was done to'),
            ...problemResponses,
          },
        },
      },
      async (request) => {
        const { queue, name, state, acceptedBefore, after } = request.body;
        const filter = {
          ...(queue !== undefined && { queue }),
          ...(name !== undefined && { name }),
          ...(state !== undefined && { state: state as TaskState }),
          ...(acceptedBefore !== undefined && { acceptedBefore: new Date(acceptedBefore) }),
        };
        const work = run(filter, { signal: AbortSignal.timeout(BULK_MS), ...(after !== undefined && { after }) });
        const answer = await changeInTime(work, 'Ask again: what is done already is not done twice.');
        const { changed, requested, left, complete } = answer;
        request.log.info(
          { action, ...filter, changed, requested, left, complete },
          'tasks changed in bulk by an administrator',
        );
        return answer;
      },
    );
  }
}
