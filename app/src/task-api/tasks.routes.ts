import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { Problem, problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { TASK_STATES } from '../tasks';
import type { Tasks } from '../tasks';
import { engineName, noBody, oneOf, queryNumber, storableText, strictObject, uuid } from '../validation/values';
import { logPageSchema, viewLog } from './log-view';
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
        summary: 'Tasks by pages: newest first, or the queued ones in the order in which they become due',
        querystring: strictObject({
          state: oneOf(TASK_STATES).optional(),
          queue: engineName().optional(),
          name: engineName().optional(),
          order: oneOf(['newest', 'next'])
            .default('newest')
            .describe('`next`: queued tasks by the moment from which they may run, earliest first'),
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
      const { state, queue, name, order, after, limit } = request.query;
      const page = await inTime(
        tasks.list({
          limit,
          order,
          ...(state === undefined ? {} : { state }),
          ...(queue === undefined ? {} : { queue }),
          ...(name === undefined ? {} : { name }),
          ...(after === undefined ? {} : { after }),
        }),
      );
      return { items: page.items.map(viewTask), next: page.next };
    },
  );

  app.get(
    '/api/tasks/:id/log',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['tasks'],
        summary: 'What the handlers of a task logged, oldest first, by pages',
        description: 'Kept for the kinds of tasks whose definition says so, such as imports; empty for others.',
        params: strictObject({ id: uuid() }),
        querystring: strictObject({
          after: storableText({ min: 1, max: 200 }).optional().describe('`id` of the line to go on after'),
          limit: queryNumber({ min: 1, max: 1_000, otherwise: 200 }),
        }),
        response: {
          200: logPageSchema.describe('A page; `next` is null when there is nothing more yet'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { after, limit } = request.query;
      concernsTask(request, id);
      return viewLog(existing(await inTime(tasks.log(id, { limit, ...(after === undefined ? {} : { after }) })), id));
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

export function existing<Found>(found: Found | undefined, id: string): Found {
  if (found === undefined) throw new Problem(404, `There is no task ${id}.`);
  return found;
}
