import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import { problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { oneOf, storableText, strictObject, uuid } from '../validation/values';
import { taskDetailsSchema, viewTaskDetails } from './task-view';
import { existing } from './tasks.routes';
import type { TaskRouteDependencies } from './tasks.routes';

export function registerResolveRoute(app: App, { tasks, authorize }: TaskRouteDependencies): void {
  app.post(
    '/api/tasks/:id/resolve',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['tasks'],
        summary: 'Say whether an external effect of a parked task happened, and let the task go on',
        description:
          'A task is parked when it called somebody outside and nobody knows whether that took effect. Find out there, ' +
          'then say so here. While other effects of it are in question, the task stays parked.',
        params: strictObject({ id: uuid() }),
        body: strictObject({
          outcome: oneOf(['sent', 'not-sent']).describe(
            '`sent`: it is not called again; `not-sent`: the next attempt calls',
          ),
          key: storableText({ min: 1, max: 100 })
            .optional()
            .describe('Which effect; may be left out when only one is in question'),
          receipt: z
            .unknown()
            .optional()
            .describe('With `sent`, what the handler gets for the answer, at most 16 KiB; null when left out'),
        }),
        response: { 200: taskDetailsSchema.describe('The task'), ...problemResponses },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { outcome, key, receipt } = request.body;
      concernsTask(request, id);
      const work = tasks.resolve(id, { outcome, receipt, ...(key !== undefined && { key }) });
      const task = existing(await changeInTime(work, `/api/tasks/${id} tells as soon as the database answers.`), id);
      request.log.info({ outcome, key }, 'external effect resolved by an administrator');
      return viewTaskDetails(task);
    },
  );
}
