import type { LibraryTime } from '../library/time';
import type { QueueSample } from '../queues/queue-history';
import type { SystemStatus, TaskRecord, UnknownKindStatus } from '../tasks';
import { count, countOf, duration } from './amounts';
import { ADMIN } from './frame';
import { QueueCard } from './queue-card';
import { RunningTasks } from './running-tasks';
import { WorkerTable } from './worker-table';

export interface OverviewProps {
  readonly status: SystemStatus;
  readonly samples: ReadonlyMap<string, readonly QueueSample[]>;
  readonly running: readonly TaskRecord[];
  readonly now: Date;
  readonly time: LibraryTime;
}

/** How the engine is: what waits, what runs, who works, and what needs a person. */
export function Overview({ status, samples, running, now, time }: OverviewProps) {
  const { queues, workers, unknownKinds } = status;
  const sum = (value: (queue: SystemStatus['queues'][number]) => number): number =>
    queues.reduce((total, queue) => total + value(queue), 0);
  const oldest = Math.max(0, ...queues.map((queue) => queue.oldestAgeSeconds));
  const runs = sum((queue) => queue.running);
  return (
    <>
      <dl class="tiles">
        <Tile name="Backlog" value={count(sum((queue) => queue.backlog))} hint={`oldest waits ${duration(oldest)}`} />
        <Tile
          name="Running"
          value={count(runs)}
          hint={`of ${countOf(
            workers.reduce((slots, worker) => slots + worker.concurrency, 0),
            'slot',
          )}`}
        />
        <Tile name="Workers" value={count(workers.length)} hint={workerHint(status)} bad={workers.length === 0} />
        <Tile
          name="Dead"
          value={count(sum((queue) => queue.dead))}
          {...needsPerson(
            sum((queue) => queue.dead),
            'dead',
          )}
        />
        <Tile
          name="Parked"
          value={count(sum((queue) => queue.parked))}
          {...needsPerson(
            sum((queue) => queue.parked),
            'parked',
          )}
        />
      </dl>
      <UnknownKinds kinds={unknownKinds} />
      <section aria-labelledby="queues">
        <h2 id="queues">Queues</h2>
        {queues.length === 0 ? <p class="empty">No queue is known: no worker has started and no task waits.</p> : null}
        <div class="queues">
          {queues.map((queue) => (
            <QueueCard key={queue.name} {...{ queue, now, time }} samples={samples.get(queue.name) ?? []} />
          ))}
        </div>
      </section>
      <section aria-labelledby="workers">
        <h2 id="workers">Workers</h2>
        {workers.length === 0 ? <p class="empty">No worker lives; tasks are accepted and wait.</p> : null}
        {workers.length === 0 ? null : <WorkerTable {...{ workers, now, time }} />}
      </section>
      <section aria-labelledby="running">
        <h2 id="running">Running tasks</h2>
        <RunningTasks {...{ running, now, time }} total={runs} />
      </section>
    </>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly hint: string;
  /** Where more is said. */
  readonly href?: string;
  readonly bad?: boolean;
}

function Tile({ name, value, hint, href, bad = false }: TileProps) {
  return (
    <div class={bad ? 'card tile bad' : 'card tile'}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="hint">{href === undefined ? hint : <a href={href}>{hint}</a>}</span>
      </dd>
    </div>
  );
}

function needsPerson(tasks: number, page: 'dead' | 'parked'): Pick<TileProps, 'hint' | 'href' | 'bad'> {
  if (tasks === 0) return { hint: 'nothing to decide' };
  return { hint: tasks === 1 ? 'needs a decision' : 'need a decision', href: `${ADMIN}/${page}`, bad: true };
}

function workerHint({ workers }: SystemStatus): string {
  if (workers.length === 0) return 'nothing is started';
  const draining = workers.filter((worker) => worker.draining).length;
  if (draining > 0) return `${count(draining)} draining`;
  const slow = workers.filter((worker) => worker.source === 'postgres').length;
  return slow > 0 ? `${count(slow)} served by PostgreSQL` : 'all take tasks';
}

function UnknownKinds({ kinds }: { readonly kinds: readonly UnknownKindStatus[] }) {
  if (kinds.length === 0) return null;
  return (
    <section class="card warning" aria-labelledby="unknown">
      <h2 id="unknown">Tasks that no worker knows</h2>
      <p>They wait until a worker starts that knows them, and are in no backlog.</p>
      <ul>
        {kinds.map(({ kind, queue, count: tasks, oldestAgeSeconds }) => (
          <li key={`${queue} ${kind}`}>
            <code>{kind}</code> in {queue}: {countOf(tasks, 'task')}, due for {duration(oldestAgeSeconds)}
          </li>
        ))}
      </ul>
    </section>
  );
}
