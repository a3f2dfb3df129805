import type { ComponentChildren } from 'preact';
import type { LibraryTime } from '../library/time';
import { asset } from '../pages/assets';
import { Moment } from '../pages/moment';
import type { AttemptRecord, TaskDetails, TaskNeighbour } from '../tasks';
import { duration } from './duration';
import { inPlainWords } from './plain-words';
import { meaningOf, StateBadge } from './task-state';
import type { Progress, TaskSubject } from './task-subject';

export interface TaskPageProps {
  readonly time: LibraryTime;
  readonly task: TaskDetails;
  readonly subject: TaskSubject;
  /** Who is no staff sees the neighbours in a flow without their ids. */
  readonly staff: boolean;
  readonly now: Date;
}

/**
 * Everything about one task. task.js follows the task's events and replaces the parts with `data-live` by those of the
 * page as it is then; where there is no script, the link does that for the whole page.
 */
export function TaskPage(props: TaskPageProps) {
  const { task, subject, staff } = props;
  const link = staff ? (subject.staffLink ?? subject.link) : subject.link;
  return (
    <article class="narrow" id="task" data-task={task.id} data-finished={task.finishedAt === null ? undefined : ''}>
      <h1>{subject.title}</h1>
      <p class="hidden" role="status" id="announcement" />
      <div data-live="state">
        <State {...props} />
      </div>
      {link === undefined ? null : (
        <p>
          <a class="button quiet" href={link.href}>
            {link.text}
          </a>
        </p>
      )}
      <div data-live="facts">
        <Facts {...props} />
      </div>
      <div data-live="attempts">
        <Attempts {...props} />
      </div>
      <div data-live="flow">
        <Neighbours heading="Waits for" neighbours={task.after} staff={staff} />
        <Neighbours heading="Waits for this" neighbours={task.before} staff={staff} />
      </div>
      <script type="module" src={asset('task.js')} />
    </article>
  );
}

function State({ task, subject }: TaskPageProps) {
  const bad = task.state === 'dead' || task.state === 'parked' || task.state === 'cancelled';
  return (
    <section class={`card task-state ${bad ? 'bad' : ''}`} aria-label="State">
      <p>
        <StateBadge state={task.state} /> <strong>{meaningOf(task.state)}</strong>
      </p>
      {subject.progress === undefined || bad ? null : <Bar progress={subject.progress} />}
      {task.error === null || task.state === 'done' ? null : (
        <p class="reason">
          {bad ? '' : 'The last attempt failed: '}
          {inPlainWords(task.error)}
        </p>
      )}
      {task.finishedAt === null ? (
        <noscript>
          <p class="hint">
            This page asks for news by itself. <a href={`/tasks/${task.id}`}>Ask now</a>
          </p>
        </noscript>
      ) : null}
    </section>
  );
}

function Bar({ progress: { done, total, text } }: { readonly progress: Progress }) {
  return (
    <div class="bar">
      <label for="progress">{text}</label>
      <progress id="progress" value={done} max={total} />
    </div>
  );
}

function Facts({ time, task, now }: TaskPageProps) {
  const moment = (at: Date) => <Moment {...{ time, at, now }} />;
  const waits = ['queued', 'waiting'].includes(task.state) && task.runAt.getTime() > now.getTime();
  return (
    <dl class="facts">
      <Fact name="Task">
        <code>{task.name}</code>
      </Fact>
      <Fact name="Queue">
        <code>{task.queue}</code>
      </Fact>
      <Fact name="Attempt">
        {task.attempt} of {task.maxAttempts}
      </Fact>
      <Fact name="Accepted">{moment(task.acceptedAt)}</Fact>
      {waits ? <Fact name="Next attempt">{moment(task.runAt)}</Fact> : null}
      {task.startedAt === null ? null : <Fact name="Started">{moment(task.startedAt)}</Fact>}
      {task.finishedAt === null ? null : <Fact name="Ended">{moment(task.finishedAt)}</Fact>}
      {entriesOf(task.result).map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
      <Fact name="Id">
        <code class="id">{task.id}</code>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A result field by field, or as a whole when it is no object. */
function entriesOf(result: unknown): [string, string][] {
  if (result === null || result === undefined) return [];
  if (typeof result !== 'object' || Array.isArray(result)) return [['Result', JSON.stringify(result)]];
  return Object.entries(result).map(([name, value]) => [
    `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value),
  ]);
}

function Attempts({ time, task, now }: TaskPageProps) {
  if (task.attempts.length === 0) return null;
  return (
    <section>
      <h2>Attempts</h2>
      <ol class="attempts card">
        {task.attempts.map((attempt) => (
          <li key={attempt.attempt} value={attempt.attempt}>
            {outcomeOf(attempt, now)} <Moment {...{ time, now }} at={attempt.startedAt} />
            {attempt.error === null ? null : <p class="reason">{inPlainWords(attempt.error)}</p>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function outcomeOf({ startedAt, finishedAt, error }: AttemptRecord, now: Date): string {
  if (finishedAt === null) return `Running for ${duration(now.getTime() - startedAt.getTime())}, started`;
  const took = duration(finishedAt.getTime() - startedAt.getTime());
  return `${error === null ? 'Ended well' : 'Failed'} after ${took}, started`;
}

interface NeighboursProps {
  readonly heading: string;
  readonly neighbours: readonly TaskNeighbour[];
  readonly staff: boolean;
}

function Neighbours({ heading, neighbours, staff }: NeighboursProps) {
  if (neighbours.length === 0) return null;
  return (
    <section>
      <h2>{heading}</h2>
      <ul class="neighbours card">
        {neighbours.map(({ id, name, state }) => (
          <li key={id}>
            {staff ? <a href={`/tasks/${id}`}>{name}</a> : <span>{name}</span>} <StateBadge state={state} />
          </li>
        ))}
      </ul>
    </section>
  );
}
