import { z } from 'zod';
import { PATHS } from '../contract';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { RETRY_AFTER_SECONDS } from '../http/problem';
import type { Tasks } from '../tasks';

/** Load balancers give up after a few seconds; a database that is slower than this is no use to requests either. */
const READY_SECONDS = 2;

const upOrDown = z.enum(['up', 'down']);
const readySchema = z.object({ postgres: upOrDown, redis: upOrDown.describe('Reported, not required') });

export function registerHealthRoutes(app: App, tasks: Pick<Tasks, 'redisReachable'>, database: Queryable): void {
  app.get(
    PATHS.health,
    {
      schema: {
        tags: ['health'],
        summary: 'This process is alive; says nothing about what it needs',
        response: { 200: z.object({ status: z.literal('up') }).describe('Alive') },
      },
    },
    () => ({ status: 'up' as const }),
  );

  app.get(
    PATHS.ready,
    {
      schema: {
        tags: ['health'],
        summary: 'This process can serve: PostgreSQL answers',
        response: { 200: readySchema.describe('Ready'), 503: readySchema.describe('Not ready') },
      },
    },
    async (request, reply) => {
      const postgres = await inTime(database.query('select 1'), READY_SECONDS).then(
        () => 'up' as const,
        (error: unknown) => {
          request.log.warn({ err: error }, 'not ready: the database does not answer');
          return 'down' as const;
        },
      );
      const answer = { postgres, redis: tasks.redisReachable() ? ('up' as const) : ('down' as const) };
      if (postgres === 'up') return answer;
      return reply.code(503).header('retry-after', String(RETRY_AFTER_SECONDS)).send(answer);
    },
  );
}
