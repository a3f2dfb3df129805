import type { LibraryTime } from '../library/time';
import { Moment } from '../pages/moment';
import type { DeadKind, TaskPage, TaskRecord } from '../tasks';
import { countOf } from './amounts';
import { DEAD, Rest } from './bulk-rest';
import type { BulkRest } from './bulk-rest';
import { ADMIN, TaskLink } from './frame';
import { NextPage } from './next-page';

export interface DeadTasksProps {
  readonly kinds: readonly DeadKind[];
  /** Last accepted first. */
  readonly page: TaskPage;
  /** Only tasks of this kind are listed. */
  readonly kind: string | undefined;
  /** Of a bulk whose time was up. */
  readonly rest?: BulkRest | undefined;
  readonly now: Date;
  readonly time: LibraryTime;
}

/** Tasks that have failed for good, with what a person can do about them. */
export function DeadTasks({ kinds, page, kind, rest, now, time }: DeadTasksProps) {
  if (page.items.length === 0) {
    return (
      <p class="empty">
        {kind === undefined ? 'No task is dead.' : `No task ${kind} is dead. `}
        {kind === undefined ? null : <AllKinds />}
      </p>
    );
  }
  return (
    <>
      {rest === undefined ? null : <Rest {...rest} />}
      <section aria-labelledby="kinds">
        <h2 id="kinds">By kind</h2>
        <ul class="cases">
          {kinds.map((one) => (
            <li key={one.name} class="card" data-key={one.name}>
              <Kind kind={one} now={now} time={time} />
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="tasks">
        <h2 id="tasks">{kind === undefined ? 'Dead tasks' : `Dead tasks ${kind}`}</h2>
        {kind === undefined ? null : (
          <p>
            <AllKinds />
          </p>
        )}
        <ol class="cases">
          {page.items.map((task) => (
            <li key={task.id} class="card" data-key={task.id}>
              <DeadTask task={task} kind={kind} now={now} time={time} />
            </li>
          ))}
        </ol>
        <NextPage path={DEAD} kind={kind} next={page.next} />
      </section>
    </>
  );
}

function AllKinds() {
  return <a href={DEAD}>Show all kinds</a>;
}

interface KindProps {
  readonly kind: DeadKind;
  readonly now: Date;
  readonly time: LibraryTime;
}

function Kind({ kind: { name, count, lastAt }, now, time }: KindProps) {
  const all = countOf(count, 'dead task');
  return (
    <>
      <div class="case">
        <h3>
          <a href={`${DEAD}?kind=${encodeURIComponent(name)}`}>{name}</a>
        </h3>
        <p class="when">
          {all}, the last one <Moment at={lastAt} now={now} time={time} />
        </p>
      </div>
      <details data-key={`all-${name}`}>
        <summary>
          All of this kind…<span class="hidden"> ({name})</span>
        </summary>
        <div class="choices">
          <form method="post" action={`${DEAD}/retry`}>
            <input type="hidden" name="kind" value={name} />
            <p class="hint">Each gets a fresh budget of attempts.</p>
            <button>Retry {all}</button>
          </form>
          <form method="post" action={`${DEAD}/discard`}>
            <input type="hidden" name="kind" value={name} />
            <p class="hint">They count as cancelled and leave this list; the ledger deletes them after some days.</p>
            <button class="danger">Discard {all}</button>
          </form>
        </div>
      </details>
    </>
  );
}

interface DeadTaskProps {
  readonly task: TaskRecord;
  readonly kind: string | undefined;
  readonly now: Date;
  readonly time: LibraryTime;
}

function DeadTask({ task, kind, now, time }: DeadTaskProps) {
  const { id, name, queue, attempt, maxAttempts, acceptedAt, finishedAt, error } = task;
  return (
    <>
      <div class="case">
        <h3>
          <TaskLink id={id} name={name} />
        </h3>
        <Reason text={error ?? 'No reason is known.'} id={id} />
        <p class="when">
          Queue {queue} · attempt {attempt} of {maxAttempts} · accepted <Moment at={acceptedAt} now={now} time={time} />
          {finishedAt === null ? null : (
            <>
              {' · died '}
              <Moment at={finishedAt} now={now} time={time} />
            </>
          )}
        </p>
      </div>
      <div class="actions">
        <One action="retry" label="Retry" id={id} kind={kind} />
        <One
          action="discard"
          label="Discard"
          id={id}
          kind={kind}
          confirm="Discard this task? It counts as cancelled."
        />
      </div>
    </>
  );
}

const SHORT_REASON = 240;

/** The beginning of a reason, and all of it on demand. */
export function Reason({ text, id }: { readonly text: string; readonly id: string }) {
  const [line = ''] = text.split('\n', 1);
  const begin = line.length > SHORT_REASON ? `${line.slice(0, SHORT_REASON)}…` : line;
  if (begin === text) return <p class="reason">{text}</p>;
  return (
    <>
      <p class="reason">{begin}</p>
      <details data-key={`reason-${id}`}>
        <summary>
          The whole reason<span class="hidden"> of task {id}</span>
        </summary>
        <p class="reason">{text}</p>
      </details>
    </>
  );
}

interface OneProps {
  readonly action: 'retry' | 'discard';
  readonly label: string;
  readonly id: string;
  /** The list that the action leads back to. */
  readonly kind?: string | undefined;
  readonly confirm?: string;
}

/** A button that does something to one task. */
export function One({ action, label, id, kind, confirm }: OneProps) {
  return (
    <form method="post" action={`${ADMIN}/tasks/${id}/${action}`} data-confirm={confirm}>
      {kind === undefined ? null : <input type="hidden" name="kind" value={kind} />}
      <button class={action === 'retry' ? 'small' : 'quiet small'}>
        {label}
        <span class="hidden"> task {id}</span>
      </button>
    </form>
  );
}
