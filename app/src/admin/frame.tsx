import type { ComponentChildren } from 'preact';
import type { SystemStatus } from '../tasks';
import { count } from './amounts';

export const ADMIN = '/admin';

export interface FrameProps {
  readonly path: string;
  readonly title: string;
  readonly status: SystemStatus;
  readonly children: ComponentChildren;
}

/** The heading and navigation of the admin area around what live.js refreshes. */
export function Frame({ path, title, status, children }: FrameProps) {
  return (
    <>
      <div class="title-row">
        <h1>{title}</h1>
        <p class="live" id="live" hidden>
          <span class="live-dot" aria-hidden="true" />
          <span id="live-state" role="status" />
          <button type="button" class="quiet small" id="live-toggle">
            Pause updates
          </button>
        </p>
      </div>
      <div data-live>
        <LivePart path={path} status={status}>
          {children}
        </LivePart>
      </div>
    </>
  );
}

/** What changes while somebody looks at the page. */
export function LivePart({ path, status, children }: Omit<FrameProps, 'title'>) {
  const dead = status.queues.reduce((sum, queue) => sum + queue.dead, 0);
  const parked = status.queues.reduce((sum, queue) => sum + queue.parked, 0);
  return (
    <>
      <nav class="tabs" aria-label="Admin">
        <ul>
          <Tab href={ADMIN} name="Overview" path={path} />
          <Tab href={`${ADMIN}/dead`} name="Dead" path={path} waiting={dead} />
          <Tab href={`${ADMIN}/parked`} name="Parked" path={path} waiting={parked} />
          <Tab href={`${ADMIN}/schedules`} name="Schedules" path={path} />
        </ul>
      </nav>
      {children}
    </>
  );
}

interface TabProps {
  readonly href: string;
  readonly name: string;
  readonly path: string;
  readonly waiting?: number;
}

function Tab({ href, name, path, waiting = 0 }: TabProps) {
  return (
    <li>
      <a href={href} aria-current={path === href ? 'page' : undefined}>
        {name}
        {waiting === 0 ? null : (
          <>
            {' '}
            <span class="count">{count(waiting)}</span>
          </>
        )}
      </a>
    </li>
  );
}

export function TaskLink({ id, name }: { readonly id: string; readonly name: string }) {
  return (
    <a href={`/tasks/${id}`} title={`Task ${id}`}>
      {name} <code>{shortId(id)}</code>
    </a>
  );
}

/** Ids of one second begin alike, so their end is what tells them apart. */
export function shortId(id: string): string {
  return id.slice(-8);
}
