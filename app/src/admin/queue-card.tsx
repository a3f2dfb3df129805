import type { LibraryTime } from '../library/time';
import { Moment } from '../pages/moment';
import type { QueueSample } from '../queues/queue-history';
import type { QueueStatus } from '../tasks';
import { count, countOf, duration } from './amounts';
import { Chart } from './chart';
import { ADMIN } from './frame';

/** Of the charts' time axis. */
export const HISTORY_SECONDS = 3600;

export interface QueueCardProps {
  readonly queue: QueueStatus;
  readonly samples: readonly QueueSample[];
  readonly now: Date;
  readonly time: LibraryTime;
}

export function QueueCard({ queue, samples, now, time }: QueueCardProps) {
  const { name, pausedAt } = queue;
  const all = [...samples, { at: now, backlog: queue.backlog, oldestAgeSeconds: queue.oldestAgeSeconds }];
  const chart = { now, time, seconds: HISTORY_SECONDS };
  return (
    <article class="card queue" data-key={name} aria-labelledby={`queue-${name}`}>
      <header>
        <h3 id={`queue-${name}`}>{name}</h3>
        {pausedAt === null ? null : (
          <span class="state warn">
            paused <Moment at={pausedAt} now={now} time={time} />
          </span>
        )}
        <form method="post" action={`${ADMIN}/queues/${name}/${pausedAt === null ? 'pause' : 'resume'}`}>
          <button class="quiet small">
            {pausedAt === null ? 'Pause' : 'Resume'}
            <span class="hidden"> the queue {name}</span>
          </button>
        </form>
      </header>
      <div class="charts">
        <figure>
          <figcaption>
            Backlog <strong>{count(queue.backlog)}</strong>
          </figcaption>
          <Chart
            {...chart}
            tone="backlog"
            label={`Backlog of ${name}`}
            points={all.map(({ at, backlog }) => ({ at, value: backlog }))}
            format={(value) => countOf(value, 'task')}
          />
        </figure>
        <figure>
          <figcaption>
            Oldest waits <strong>{duration(queue.oldestAgeSeconds)}</strong>
          </figcaption>
          <Chart
            {...chart}
            tone="age"
            label={`Age of the oldest due task of ${name}`}
            points={all.map(({ at, oldestAgeSeconds }) => ({ at, value: oldestAgeSeconds }))}
            format={duration}
          />
        </figure>
      </div>
      <dl class="numbers">
        <Fact name="Running" value={queue.running} of={queue.maxRunning} />
        <Fact name="For later" value={queue.scheduled} />
        <Fact name="Waiting" value={queue.waiting} />
        <Fact name="Parked" value={queue.parked} alarming />
        <Fact name="Dead" value={queue.dead} alarming />
      </dl>
      {limits(queue) === '' ? null : <p class="hint">{limits(queue)}</p>}
    </article>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: number;
  readonly of?: number | null;
  /** More than 0 needs a person. @default false */
  readonly alarming?: boolean;
}

function Fact({ name, value, of = null, alarming = false }: FactProps) {
  return (
    <div class={alarming && value > 0 ? 'bad' : undefined}>
      <dt>{name}</dt>
      <dd>
        {count(value)}
        {of === null ? null : ` of ${count(of)}`}
      </dd>
    </div>
  );
}

function limits({ maxRunning, rateLimit }: QueueStatus): string {
  const running = maxRunning === null ? [] : [`at most ${countOf(maxRunning, 'task')} at a time`];
  const starts =
    rateLimit === null ? [] : [`at most ${countOf(rateLimit.count, 'start')} in ${duration(rateLimit.perSeconds)}`];
  const all = [...running, ...starts];
  return all.length === 0 ? '' : `Limited: ${all.join(', ')}.`;
}
