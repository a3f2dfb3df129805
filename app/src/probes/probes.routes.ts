import { z } from 'zod';
import { ENVIRONMENT } from '../contract';
import { acceptInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { idempotencyHeaders, idempotencyKey } from '../http/idempotency-key';
import { Problem, problemResponses } from '../http/problem';
import { FAILURE_POLICIES, PRIORITIES } from '../tasks';
import type { Tasks } from '../tasks';
import { engineName, listOf, oneOf, strictObject, uuid, wholeNumber } from '../validation/values';
import { MAX_FAIL_TIMES, MAX_RUN_MS, probe } from './probe.task';

export const MAX_PROBES = 10_000;

export interface ProbeRouteDependencies {
  readonly tasks: Tasks;
  readonly authorize: Authorize;
  readonly probesAllowed: boolean;
}

export function registerProbeRoutes(app: App, { tasks, authorize, probesAllowed }: ProbeRouteDependencies): void {
  app.post(
    '/api/probes',
    {
      onRequest: async (request) => {
        await authorize(request);
        if (!probesAllowed) {
          throw new Problem(404, `Probes are switched off; set ${ENVIRONMENT.probes}=on to switch them on.`);
        }
      },
      schema: {
        ...administration,
        tags: ['probes'],
        summary: 'Accept probe tasks, all or none',
        headers: idempotencyHeaders,
        body: strictObject({
          count: wholeNumber({ min: 1, max: MAX_PROBES }).describe('How many'),
          queue: engineName().optional(),
          priority: oneOf(PRIORITIES).optional(),
          runMs: wholeNumber({ min: 0, max: MAX_RUN_MS }).default(0).describe('How long each attempt takes'),
          failTimes: wholeNumber({ min: 0, max: MAX_FAIL_TIMES }).default(0).describe('Attempts that fail first'),
          after: listOf(uuid(), { min: 1, max: 100, of: 'uuids' })
            .optional()
            .describe('Tasks that must have ended before any of these runs'),
          onFailure: oneOf(FAILURE_POLICIES)
            .default('cancel')
            .describe('What it means for these when one of `after` ends dead or cancelled'),
        }),
        response: {
          202: z
            .object({ taskIds: z.array(z.uuid()) })
            .describe(
              'Accepted: each will be done, or dead after its 25 attempts; a queue that no worker serves waits',
            ),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const { count, queue, priority, runMs, failTimes, after, onFailure } = request.body;
      const payloads = Array.from({ length: count }, () => ({ runMs, failTimes }));
      const requestKey = idempotencyKey(request);
      const options = {
        ...(queue === undefined ? {} : { queue }),
        ...(priority === undefined ? {} : { priority }),
        ...(requestKey === undefined ? {} : { requestKey }),
        ...(after === undefined ? {} : { after: after.map((id) => ({ id, onFailure })) }),
      };
      const began = performance.now();
      const taskIds = await acceptInTime(tasks, async (tx) => {
        const ids = (await tasks.acceptMany(tx, probe, payloads, options)).map(({ id }) => id);
        return { taskId: ids[0] ?? '', answer: ids };
      });
      request.log.info({ count, durationMs: Math.round(performance.now() - began) }, 'probes accepted');
      return reply.code(202).send({ taskIds });
    },
  );
}
