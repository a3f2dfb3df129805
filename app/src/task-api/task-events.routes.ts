import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import type { TaskRecordWithAttempts, Tasks } from '../tasks';
import { strictObject, uuid } from '../validation/values';
import { publicTask, viewTaskWithAttempts } from './task-view';
import { existing } from './tasks.routes';

/** Proxies cut connections that are silent for longer, an AWS ALB after 60 s by default. */
const KEEP_ALIVE_MS = 15_000;
/** How long browsers wait before they reconnect, for example after a deploy. */
const RECONNECT_MS = 2000;

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) of one task: an event `task` now
 * and after each change. The stream ends with the task; a browser that reconnects after that gets 204 and stays away.
 */
export function registerTaskEventRoutes(app: App, tasks: Tasks): void {
  const closing = new AbortController();
  app.addHook('preClose', (done) => {
    closing.abort();
    done();
  });
  app.get(
    '/api/tasks/:id/events',
    {
      // A HEAD request would hold a stream open that nobody reads.
      exposeHeadRoute: false,
      schema: {
        tags: ['tasks'],
        summary: "A task's changes as server-sent events",
        params: strictObject({ id: uuid() }),
        produces: ['text/event-stream'],
        response: {
          200: {
            description: 'Events `task` with the task as JSON.',
            content: { 'text/event-stream': { schema: z.string() } },
          },
          204: z.null().describe('The client has already seen the last event.'),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      concernsTask(request, id);
      const task = existing(await inTime(tasks.get(id)), id);
      const lastSeen = request.headers['last-event-id'];
      if (task.finishedAt !== null && lastSeen === eventId(task)) return reply.code(204).send(null);
      // The schema describes the text that the client gets; what is sent is a stream of it.
      const untyped = reply as FastifyReply;
      return untyped
        .header('content-type', 'text/event-stream; charset=utf-8')
        .header('x-accel-buffering', 'no')
        .send(stream(tasks, id, closing.signal, request));
    },
  );
}

function stream(tasks: Tasks, id: string, closing: AbortSignal, request: FastifyRequest): PassThrough {
  const events = new PassThrough();
  const gone = new AbortController();
  events.once('close', () => gone.abort());
  const keepAlive = setInterval(() => events.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
  const close = (): void => gone.abort();
  closing.addEventListener('abort', close);
  const write = async (): Promise<void> => {
    events.write(`retry: ${RECONNECT_MS}\n\n`);
    for await (const task of tasks.watch(id, { signal: gone.signal })) {
      if (events.closed) return;
      const taken = events.write(
        `id: ${eventId(task)}\nevent: task\ndata: ${JSON.stringify(publicTask(viewTaskWithAttempts(task)))}\n\n`,
      );
      // A client that does not read must not make everything pile up here.
      if (!taken) await once(events, 'drain', { signal: gone.signal });
    }
  };
  write()
    .catch((error: unknown) => request.log.warn({ err: error }, 'task events ended early'))
    .finally(() => {
      clearInterval(keepAlive);
      closing.removeEventListener('abort', close);
      events.end();
    });
  return events;
}

/** The same for the same state, so that a client that reconnects can be told that it has seen the end. */
function eventId(task: TaskRecordWithAttempts): string {
  return `${task.state}-${task.attempt}-${(task.finishedAt ?? task.runAt).getTime()}`;
}
