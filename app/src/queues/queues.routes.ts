import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration, isAdministrator, moreForAdministrators } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { MOST_RUNNING, MOST_STARTS, RATE_SECONDS } from '../tasks';
import type { QueueStatus, Tasks } from '../tasks';
import { decimalNumber, engineName, noBody, strictObject, wholeNumber } from '../validation/values';

const rateLimitSchema = z.object({ count: z.int(), perSeconds: z.number() });

const queueSchema = z
  .object({
    name: z.string(),
    backlog: z.int().describe('Due and not started'),
    scheduled: z.int().describe('Accepted for later: delay, backoff'),
    waiting: z.int().describe('Wait for other tasks'),
    running: z.int(),
    parked: z.int().describe('Wait for a person to decide'),
    dead: z.int(),
    pausedAt: z.iso.datetime().nullable().describe('Since when nothing of it is started; null: not paused'),
    maxRunning: z.int().nullable().describe('Tasks that may run at the same time in the whole fleet; null: any number'),
    rateLimit: rateLimitSchema.nullable().describe('Most starts in any window of so many seconds; null: any number'),
    oldestAgeSeconds: z.number().describe('How long the oldest due task has waited'),
  })
  .meta({ id: 'Queue' });

const workerSchema = z
  .object({
    id: z.string(),
    host: z.string().optional().describe('For administrators only'),
    pid: z.int().optional().describe('For administrators only'),
    kind: z.string().describe('Which kind of worker it is, as the deployment names it'),
    queues: z.array(z.string()),
    concurrency: z.int(),
    running: z.int(),
    source: z.enum(['redis', 'postgres']).describe('Where its last tasks came from'),
    draining: z.boolean().describe('It takes no more tasks'),
    heartbeatAgeSeconds: z.number(),
    startedAt: z.iso.datetime(),
  })
  .meta({ id: 'Worker' });

const unknownKindSchema = z
  .object({
    kind: z.string().describe('name@version'),
    queue: z.string(),
    count: z.int(),
    oldestAgeSeconds: z.number().describe('How long the oldest of them has been due'),
  })
  .meta({ id: 'UnknownKind' });

const limitsSchema = strictObject({
  maxRunning: wholeNumber({ min: 1, max: MOST_RUNNING })
    .nullish()
    .describe('Tasks that may run at the same time in the whole fleet; null lifts the limit, left out it stays'),
  rateLimit: strictObject({
    count: wholeNumber({ min: 1, max: MOST_STARTS }),
    perSeconds: decimalNumber(RATE_SECONDS),
  })
    .nullish()
    .describe('At most `count` starts in any `perSeconds`; null lifts the limit, left out it stays'),
}).refine((limits) => limits.maxRunning !== undefined || limits.rateLimit !== undefined, {
  error: 'names no limit; give maxRunning, rateLimit or both',
});

const HOW_TO_FIND_OUT = '/api/queues tells as soon as the database answers; doing it again does no harm.';

export interface QueueRouteDependencies {
  readonly tasks: Tasks;
  readonly authorize: Authorize;
}

export function registerQueueRoutes(app: App, { tasks, authorize }: QueueRouteDependencies): void {
  app.get(
    '/api/queues',
    {
      schema: {
        ...moreForAdministrators,
        tags: ['queues'],
        summary: 'Queues and workers now',
        response: {
          200: z
            .object({
              queues: z.array(queueSchema),
              workers: z.array(workerSchema),
              unknownKinds: z
                .array(unknownKindSchema)
                .describe(
                  'Due tasks that no living worker of their queue knows: they wait for one, and are in no backlog',
                ),
            })
            .describe('At most some seconds old'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const status = await inTime(tasks.status());
      const showsHosts = await isAdministrator(authorize, request);
      return {
        unknownKinds: [...status.unknownKinds],
        queues: status.queues.map(viewQueue),
        workers: status.workers.map(({ host, pid, ...worker }) => ({
          ...worker,
          ...(showsHosts && { host, pid }),
          queues: [...worker.queues],
          startedAt: worker.startedAt.toISOString(),
        })),
      };
    },
  );

  for (const { action, summary, set } of [
    {
      action: 'pause',
      summary: 'Start nothing of a queue until it is resumed, from a second later on; what runs goes on',
      set: (name: string) => tasks.pauseQueue(name),
    },
    {
      action: 'resume',
      summary: 'Start tasks of a paused queue again, oldest first',
      set: (name: string) => tasks.resumeQueue(name),
    },
  ]) {
    app.post(
      `/api/queues/:name/${action}`,
      {
        onRequest: authorize,
        schema: {
          ...administration,
          tags: ['queues'],
          summary,
          params: strictObject({ name: engineName() }),
          body: noBody(),
          response: { 204: z.null().describe('It is set for the whole fleet'), ...problemResponses },
        },
      },
      async (request, reply) => {
        await changeInTime(set(request.params.name), HOW_TO_FIND_OUT);
        request.log.info({ queue: request.params.name, action }, 'queue paused or resumed by an administrator');
        return reply.code(204).send(null);
      },
    );
  }

  app.put(
    '/api/queues/:name/limits',
    {
      onRequest: authorize,
      schema: {
        ...administration,
        tags: ['queues'],
        summary: 'Limit how many tasks of a queue run at the same time, and how often one starts; what runs goes on',
        params: strictObject({ name: engineName() }),
        body: limitsSchema,
        response: { 204: z.null().describe('It is set for the whole fleet'), ...problemResponses },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { maxRunning, rateLimit } = request.body;
      const limits = { ...(maxRunning !== undefined && { maxRunning }), ...(rateLimit !== undefined && { rateLimit }) };
      await changeInTime(tasks.limitQueue(name, limits), HOW_TO_FIND_OUT);
      request.log.info({ queue: name, ...limits }, 'limits of a queue set by an administrator');
      return reply.code(204).send(null);
    },
  );
}

function viewQueue(queue: QueueStatus): z.output<typeof queueSchema> {
  return { ...queue, pausedAt: queue.pausedAt?.toISOString() ?? null };
}
