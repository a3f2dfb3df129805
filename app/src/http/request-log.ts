import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { App } from './app';

const SANE_REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
/** Asked every few seconds by load balancers and scrapers. */
export const QUIET_ROUTES = new Set(['/healthz', '/readyz']);

export interface FinishedRequest {
  readonly method: string;
  /** The route's pattern, for example /api/tasks/:id; `unknown` when none matched. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** The caller's x-request-id when it is harmless in a log, else a new one. */
export function requestId(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && SANE_REQUEST_ID.test(given) ? given : randomUUID();
}

/** From here on every log line of this request carries the task's id. */
export function concernsTask(request: FastifyRequest, taskId: string): void {
  request.log = request.log.child({ task: taskId });
}

/** Returns the request's id in every answer and logs one line when a request has ended, or its client has gone. */
export function logRequests(app: App, onFinished: (finished: FinishedRequest) => void): void {
  app.addHook('onRequest', async (request, reply) => {
    await Promise.resolve();
    reply.header('x-request-id', request.id).header('cache-control', 'no-store');
  });
  app.addHook('onRequestAbort', async (request) => {
    await Promise.resolve();
    request.log.info({ method: request.method, route: routeOf(request) }, 'request aborted by the client');
  });
  app.addHook('onResponse', async (request, reply) => {
    await Promise.resolve();
    const finished = {
      method: request.method,
      route: routeOf(request),
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    };
    onFinished(finished);
    const { seconds, ...fields } = finished;
    const line = { ...fields, durationMs: Math.round(seconds * 1000) };
    if (QUIET_ROUTES.has(finished.route)) request.log.debug(line, 'request finished');
    else request.log.info(line, 'request finished');
  });
}

/** The route's pattern; `unknown` when none matched. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unknown';
}
