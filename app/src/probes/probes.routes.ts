import { z } from 'zod';
import { ENVIRONMENT } from '../contract';
import { acceptInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { administration } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { idempotencyHeaders, idempotencyKey } from '../http/idempotency-key';
import { Problem, problemResponses } from '../http/problem';
import type { Tasks } from '../tasks';
import { probe } from './probe.task';
import { checkTogether, probeBody, probeOptions, probePayload } from './probe-request';

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
        body: probeBody,
        response: {
          202: z
            .object({ taskIds: z.array(z.uuid()) })
            .describe(
              'Accepted: each will end as asked for, or be dead after its 25 attempts; a queue that no worker serves waits. ' +
                'Under a `uniqueKey` that a task holds this is the id of that task',
            ),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const { body } = request;
      checkTogether(body);
      const now = Date.now();
      const payload = probePayload(body, now);
      const payloads = Array.from({ length: body.count }, () => payload);
      const options = probeOptions(body, now, idempotencyKey(request));
      const began = performance.now();
      const taskIds = await acceptInTime(tasks, async (tx) => {
        const ids = (await tasks.acceptMany(tx, probe, payloads, options)).map(({ id }) => id);
        return { taskId: ids[0] ?? '', answer: ids };
      });
      request.log.info({ count: body.count, durationMs: Math.round(performance.now() - began) }, 'probes accepted');
      return reply.code(202).send({ taskIds });
    },
  );
}
