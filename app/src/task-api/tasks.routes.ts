import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { Problem, problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { TASK_STATES } from '../tasks';
import type { TaskRecordWithAttempts, Tasks } from '../tasks';
import { engineName, noBody, oneOf, queryNumber, storableText, strictObject, uuid } from '../validation/values';
import { taskSchema, taskWithAttemptsSchema, viewTask, viewTaskWithAttempts } from './task-view';

export interface TaskRouteDependencies {
  readonly tasks: Tasks;
  readonly authorize: Authorize;
}

export function registerTaskRoutes(app: App, { tasks, authorize }: TaskRouteDependencies): void {
  app.get(
    '/api/tasks/:id',
    {
      schema: {
        tags: ['tasks'],
        summary: 'A task with its attempts',
        params: strictObject({ id: uuid() }),
        response: { 200: taskWithAttemptsSchema.describe('The task'), ...problemResponses },
      },
    },
    async (request) => {
      concernsTask(request, request.params.id);
      return viewTaskWithAttempts(existing(await inTime(tasks.get(request.params.id)), request.params.id));
    },
  );

  app.get(
    '/api/tasks',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['tasks'],
        summary: 'Tasks, newest first, by pages',
        querystring: strictObject({
          state: oneOf(TASK_STATES).optional(),
          queue: engineName().optional(),
          name: engineName().optional(),
          after: storableText({ min: 1, max: 200 }).optional().describe('`next` of the page before'),
          limit: queryNumber({ min: 1, max: 200, otherwise: 50 }),
        }),
        response: {
          200: z
            .object({ items: z.array(taskSchema), next: z.string().nullable() })
            .describe('A page; `next` is null on the last'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { state, queue, name, after, limit } = request.query;
      const page = await inTime(
        tasks.list({
          limit,
          ...(state === undefined ? {} : { state }),
          ...(queue === undefined ? {} : { queue }),
          ...(name === undefined ? {} : { name }),
          ...(after === undefined ? {} : { after }),
        }),
      );
      return { items: page.items.map(viewTask), next: page.next };
    },
  );

  app.post(
    '/api/tasks/:id/retry',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['tasks'],
        summary: 'Queue a dead task again with a fresh budget of attempts',
        params: strictObject({ id: uuid() }),
        body: noBody(),
        response: { 200: taskWithAttemptsSchema.describe('The task'), ...problemResponses },
      },
    },
    async (request) => {
      concernsTask(request, request.params.id);
      const { id } = request.params;
      const retried = await changeInTime(tasks.retry(id), `/api/tasks/${id} tells as soon as the database answers.`);
      const task = existing(retried, id);
      request.log.info('task queued again by an administrator');
      return viewTaskWithAttempts(task);
    },
  );
}

export function existing(task: TaskRecordWithAttempts | undefined, id: string): TaskRecordWithAttempts {
  if (task === undefined) throw new Problem(404, `There is no task ${id}.`);
  return task;
}
