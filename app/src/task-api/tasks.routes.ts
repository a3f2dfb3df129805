import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration, isAdministrator, moreForAdministrators } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { Problem, problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { registerBulkRoutes } from './bulks.routes';
import { logPageSchema, viewLog } from './log-view';
import { TASK_STATES } from '../tasks';
import type { Tasks } from '../tasks';
import { engineName, noBody, oneOf, queryNumber, storableText, strictObject, uuid } from '../validation/values';
import {
  publicTaskDetails,
  taskDetailsSchema,
  taskSchema,
  taskWithAttemptsSchema,
  viewTask,
  viewTaskDetails,
  viewTaskWithAttempts,
} from './task-view';

export interface TaskRouteDependencies {
  readonly tasks: Tasks;
  readonly authorize: Authorize;
}

export function registerTaskRoutes(app: App, dependencies: TaskRouteDependencies): void {
  const { tasks, authorize } = dependencies;
  registerCancel(app, dependencies);
  registerBulkRoutes(app, dependencies);
  app.get(
    '/api/tasks/:id',
    {
      schema: {
        ...moreForAdministrators,
        tags: ['tasks'],
        summary: 'A task with its attempts, its neighbours in a flow and what it did outside the database',
        description:
          'Whoever knows the id of a task may see it; ids are random enough that nobody guesses one. The ids of other tasks ' +
          'are shown to administrators only.',
        params: strictObject({ id: uuid() }),
        response: { 200: taskDetailsSchema.describe('The task'), ...problemResponses },
      },
    },
    async (request) => {
      concernsTask(request, request.params.id);
      const task = viewTaskDetails(existing(await inTime(tasks.get(request.params.id)), request.params.id));
      return (await isAdministrator(authorize, request)) ? task : publicTaskDetails(task);
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
        summary: 'Queue a dead or cancelled task again with a fresh budget of attempts; what it cancelled waits again',
        params: strictObject({ id: uuid() }),
        body: noBody(),
        response: { 200: taskDetailsSchema.describe('The task'), ...problemResponses },
      },
    },
    async (request) => {
      concernsTask(request, request.params.id);
      const { id } = request.params;
      const retried = await changeInTime(tasks.retry(id), `/api/tasks/${id} tells as soon as the database answers.`);
      const task = existing(retried, id);
      request.log.info('task queued again by an administrator');
      return viewTaskDetails(task);
    },
  );
}

function registerCancel(app: App, { tasks, authorize }: TaskRouteDependencies): void {
  app.post(
    '/api/tasks/:id/cancel',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['tasks'],
        summary: 'Cancel a task: at once, or as a request to its worker while it runs',
        params: strictObject({ id: uuid() }),
        body: noBody(),
        response: {
          200: z
            .object({ outcome: z.enum(['cancelled', 'requested']), task: taskWithAttemptsSchema })
            .describe('`requested` while it runs: it is cancelled within seconds, or done if it was faster'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      concernsTask(request, id);
      const answer = await changeInTime(tasks.cancel(id), `/api/tasks/${id} tells as soon as the database answers.`);
      if (answer === undefined) throw new Problem(404, `There is no task ${id}.`);
      request.log.info({ outcome: answer.outcome }, 'task cancelled by an administrator');
      return { outcome: answer.outcome, task: viewTaskWithAttempts(answer.task) };
    },
  );
}

export function existing<Found>(found: Found | undefined, id: string): Found {
  if (found === undefined) throw new Problem(404, `There is no task ${id}.`);
  return found;
}
