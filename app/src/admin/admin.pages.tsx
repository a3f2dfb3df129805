import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { pathOf } from '../http/path-of';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import { asset } from '../pages/assets';
import { HTML } from '../pages/page';
import type { SendPage } from '../pages/page';
import { recentSamples } from '../queues/queue-history';
import type { TaskDetails, Tasks } from '../tasks';
import { engineName, oneOf, storableText } from '../validation/values';
import { BULK_ACTIONS, bulkCursor, DEAD } from './bulk-rest';
import { DeadTasks } from './dead-tasks';
import { ADMIN, Frame, LivePart } from './frame';
import { Overview } from './overview';
import { PARKED, ParkedTasks } from './parked-tasks';
import { HISTORY_SECONDS } from './queue-card';
import { MOST_RUNNING_SHOWN } from './running-tasks';
import { ScheduleTable } from './schedule-table';

export interface AdminPagesDependencies {
  readonly library: Library;
  readonly send: SendPage;
  readonly tasks: Tasks;
  readonly database: Queryable;
}

const DEAD_PER_PAGE = 25;
/** Fewer, as each is read with its effects. */
const PARKED_PER_PAGE = 10;

/** What live.js sends to get the changing part of a page only. */
export const LIVE_PART = { name: 'x-part', value: 'live' } as const;

/** Where staff see how the engine is, and decide what it cannot decide itself. */
export function registerAdminPages(app: App, { library, send, tasks, database }: AdminPagesDependencies): void {
  const time = new LibraryTime(library.timeZone);
  const schema = { hide: true };
  const cursor = storableText({ min: 1, max: 200 }).optional();

  const show = async (request: FastifyRequest, reply: FastifyReply, title: string, body: ComponentChildren) => {
    const status = await inTime(tasks.status());
    const path = pathOf(request);
    if (request.headers[LIVE_PART.name] === LIVE_PART.value) {
      const part = <LivePart {...{ path, status }}>{body}</LivePart>;
      return reply.type(HTML).send(renderToString(part));
    }
    const page = (
      <div class="admin">
        <link rel="stylesheet" href={asset('admin.css')} />
        <script type="module" src={asset('live.js')} />
        <Frame {...{ path, title, status }}>{body}</Frame>
      </div>
    );
    return send(request, reply, { title, body: page });
  };

  app.get(ADMIN, { schema }, async (request, reply) => {
    const [status, samples, { items }] = await inTime(
      Promise.all([
        tasks.status(),
        recentSamples(database, HISTORY_SECONDS),
        tasks.list({ order: 'longest', limit: MOST_RUNNING_SHOWN }),
      ]),
    );
    const body = <Overview {...{ status, samples, time }} running={items} now={new Date()} />;
    return show(request, reply, 'Overview', body);
  });

  const deadQuery = z.object({
    kind: engineName().optional(),
    after: cursor,
    rest: oneOf(BULK_ACTIONS).optional(),
    from: bulkCursor.optional(),
  });
  app.get(DEAD, { schema: { hide: true, querystring: deadQuery } }, async (request, reply) => {
    const { kind, after, rest: action, from } = request.query;
    const isBulk = kind !== undefined && action !== undefined && from !== undefined;
    const rest = isBulk ? { action, kind, after: from } : undefined;
    const filter = { ...(kind !== undefined && { name: kind }), ...(after !== undefined && { after }) };
    const [kinds, page] = await inTime(
      Promise.all([tasks.deadKinds(), tasks.list({ ...filter, state: 'dead', limit: DEAD_PER_PAGE })]),
    );
    return show(request, reply, 'Dead tasks', <DeadTasks {...{ kinds, page, kind, rest, time }} now={new Date()} />);
  });

  app.get(PARKED, { schema: { hide: true, querystring: z.object({ after: cursor }) } }, async (request, reply) => {
    const { after } = request.query;
    const page = await inTime(
      tasks.list({ state: 'parked', limit: PARKED_PER_PAGE, ...(after !== undefined && { after }) }),
    );
    const details = await inTime(Promise.all(page.items.map(({ id }) => tasks.get(id))));
    // One may have gone on in between.
    const parked = details.filter((task): task is TaskDetails => task?.state === 'parked');
    const body = <ParkedTasks tasks={parked} next={page.next} time={time} now={new Date()} />;
    return show(request, reply, 'Parked tasks', body);
  });

  app.get(`${ADMIN}/schedules`, { schema }, async (request, reply) => {
    const schedules = await inTime(tasks.schedules());
    return show(request, reply, 'Schedules', <ScheduleTable {...{ schedules, time }} now={new Date()} />);
  });
}
