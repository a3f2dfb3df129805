import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { changeInTime } from '../http/accept-in-time';
import type { App } from '../http/app';
import { Problem } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { checkForm } from '../pages/forms';
import { redirectWithNotice } from '../pages/page';
import { existing } from '../task-api/tasks.routes';
import { InvalidTaskError, KeyHeldError, TaskStateError } from '../tasks';
import type { BulkCounts, Tasks } from '../tasks';
import { engineName, oneOf, storableText, uuid } from '../validation/values';
import { countOf } from './amounts';
import { bulkCursor, DEAD, restPage } from './bulk-rest';
import { ADMIN, shortId } from './frame';
import { PARKED } from './parked-tasks';

/** A bulk goes on this long within a request; what is left is for the next one. */
const BULK_MS = 3_000;
const HOW_TO_FIND_OUT = 'Look at the page again; doing it again does no harm.';

const params = z.object({ id: uuid() });
const schema = { hide: true, params };

const backForm = z.object({ kind: engineName().optional() });
const kindForm = z.object({ kind: engineName(), after: bulkCursor.optional() });
const resolveForm = z.object({
  outcome: oneOf(['sent', 'not-sent']),
  key: storableText({ min: 1, max: 100 }),
});

/** What staff can do in the admin area: each is a plain form, answered with a sentence on the page that it leads to. */
export function registerAdminActions(app: App, { tasks }: { readonly tasks: Tasks }): void {
  app.post(`${ADMIN}/tasks/:id/retry`, { schema }, (request, reply) =>
    act(request, reply, deadPage(request), async () => {
      const { id } = request.params;
      concernsTask(request, id);
      existing(await changeInTime(tasks.retry(id), HOW_TO_FIND_OUT), id);
      return `Task ${shortId(id)} is queued again.`;
    }),
  );

  app.post(`${ADMIN}/tasks/:id/discard`, { schema }, (request, reply) =>
    act(request, reply, deadPage(request), async () => {
      const { id } = request.params;
      concernsTask(request, id);
      existing(await changeInTime(tasks.discard(id), HOW_TO_FIND_OUT), id);
      return `Task ${shortId(id)} is set aside; on its own page it can still be found.`;
    }),
  );

  app.post(`${ADMIN}/tasks/:id/cancel`, { schema }, (request, reply) =>
    act(request, reply, ADMIN, async () => {
      const { id } = request.params;
      concernsTask(request, id);
      const { outcome } = existing(await changeInTime(tasks.cancel(id), HOW_TO_FIND_OUT), id);
      return outcome === 'cancelled'
        ? `Task ${shortId(id)} is cancelled.`
        : `Task ${shortId(id)} is asked to stop; it ends within seconds, unless it is done first.`;
    }),
  );

  app.post(`${ADMIN}/tasks/:id/resolve`, { schema }, (request, reply) =>
    act(request, reply, PARKED, async () => {
      const { id } = request.params;
      concernsTask(request, id);
      const { outcome, key } = read(resolveForm, request);
      const task = existing(await changeInTime(tasks.resolve(id, { outcome, key }), HOW_TO_FIND_OUT), id);
      const said = outcome === 'sent' ? 'was sent and is not sent again' : 'was not sent and is sent now';
      const rest = task.state === 'parked' ? ' Something else of it is still in question.' : ' The task goes on.';
      return `Noted for task ${shortId(id)}: “${key}” ${said}.${rest}`;
    }),
  );

  for (const { action, done, work } of [
    { action: 'retry', done: ['is queued again', 'are queued again'], work: tasks.retryAll.bind(tasks) },
    { action: 'discard', done: ['is set aside', 'are set aside'], work: tasks.discardAll.bind(tasks) },
  ] as const) {
    app.post(`${DEAD}/${action}`, { schema: { hide: true } }, (request, reply) =>
      act(request, reply, DEAD, async () => {
        const { kind, after } = read(kindForm, request);
        const options = { signal: AbortSignal.timeout(BULK_MS), ...(after !== undefined && { after }) };
        const counts = await changeInTime(work({ name: kind, state: 'dead' }, options), HOW_TO_FIND_OUT);
        const notice = bulkSentence(counts, kind, done);
        return counts.next === null ? notice : { notice, page: restPage({ action, kind, after: counts.next }) };
      }),
    );
  }

  for (const { action, done, set } of [
    { action: 'pause', done: 'is paused: what runs goes on', set: (name: string) => tasks.pauseQueue(name) },
    { action: 'resume', done: 'goes on, oldest tasks first', set: (name: string) => tasks.resumeQueue(name) },
  ]) {
    app.post(
      `${ADMIN}/queues/:name/${action}`,
      { schema: { hide: true, params: z.object({ name: engineName() }) } },
      (request, reply) =>
        act(request, reply, ADMIN, async () => {
          const { name } = request.params;
          await changeInTime(set(name), HOW_TO_FIND_OUT);
          return `The queue ${name} ${done}.`;
        }),
    );
  }
}

/** What is said, on the page that the form was on or on another one. */
type Done = string | { readonly notice: string; readonly page: string };

/** Does it and leads on; where somebody else was faster, says what the matter is. */
async function act(
  request: FastifyRequest,
  reply: FastifyReply,
  page: string,
  work: () => Promise<Done>,
): Promise<FastifyReply> {
  try {
    const done = await work();
    const { notice, page: next } = typeof done === 'string' ? { notice: done, page } : done;
    request.log.info({ page, notice }, 'done by staff in the admin area');
    return await redirectWithNotice(reply, next, notice);
  } catch (error) {
    const why = conflict(error);
    if (why === undefined) throw error;
    return redirectWithNotice(reply, page, `Nothing was changed: ${why}`);
  }
}

function conflict(error: unknown): string | undefined {
  if (error instanceof TaskStateError) return `task ${shortId(error.taskId)} is ${error.state} by now.`;
  if (error instanceof KeyHeldError) {
    return `its unique key “${error.uniqueKey}” is held by task ${error.holderId}; wait for that one, or cancel it.`;
  }
  // What is in question changed since the page was shown.
  return error instanceof InvalidTaskError ? `${error.message}.` : undefined;
}

function bulkSentence(
  { changed, left, complete }: BulkCounts,
  kind: string,
  [one, many]: readonly [one: string, many: string],
): string {
  const rest = left === 0 ? '' : ` ${countOf(left, 'was', 'were')} left as they are: changed meanwhile, or held.`;
  return `${countOf(changed, 'task')} ${kind} ${changed === 1 ? one : many}.${rest}${complete ? '' : ' Time was up before the rest.'}`;
}

/** The list that a form was on. */
function deadPage(request: FastifyRequest): string {
  const checked = checkForm(backForm, request.body);
  const kind = checked.ok ? checked.value.kind : undefined;
  return kind === undefined ? DEAD : `${DEAD}?kind=${encodeURIComponent(kind)}`;
}

/** @throws Problem 400 for a form that no page of ours has sent. */
function read<Schema extends z.ZodType>(form: Schema, request: FastifyRequest): z.output<Schema> {
  const checked = checkForm(form, request.body);
  if (checked.ok) return checked.value;
  const [mistake] = Object.entries(checked.form.errors);
  throw new Problem(400, `The form's ${mistake?.join(' ') ?? 'content is missing'}.`);
}
