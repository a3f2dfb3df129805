import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import type { Tasks } from '../tasks';

const queueSchema = z
  .object({
    name: z.string(),
    backlog: z.int().describe('Due and not started'),
    scheduled: z.int().describe('Accepted for later: delay, backoff'),
    running: z.int(),
    dead: z.int(),
    oldestAgeSeconds: z.number().describe('How long the oldest due task has waited'),
  })
  .meta({ id: 'Queue' });

const workerSchema = z
  .object({
    id: z.string(),
    host: z.string(),
    pid: z.int(),
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

export function registerQueueRoutes(app: App, tasks: Tasks): void {
  app.get(
    '/api/queues',
    {
      schema: {
        tags: ['queues'],
        summary: 'Queues and workers now',
        response: {
          200: z
            .object({
              queues: z.array(queueSchema),
              workers: z.array(workerSchema),
              unknownKinds: z
                .array(unknownKindSchema)
                .describe('Due tasks that no living worker knows: they wait for one, and are in no backlog'),
            })
            .describe('At most some seconds old'),
          ...problemResponses,
        },
      },
    },
    async () => {
      const status = await inTime(tasks.status());
      return {
        queues: [...status.queues],
        unknownKinds: [...status.unknownKinds],
        workers: status.workers.map((worker) => ({
          ...worker,
          queues: [...worker.queues],
          startedAt: worker.startedAt.toISOString(),
        })),
      };
    },
  );
}
