import type { LibraryTime } from '../library/time';
import { Moment } from '../pages/moment';
import { inPlainWords } from '../task-pages/plain-words';
import type { TaskSubject } from '../task-pages/task-subject';
import { TASK_SUBJECTS } from '../task-pages/task-subjects';
import type { ExternalEffectRecord, TaskDetails } from '../tasks';
import { One, Reason } from './dead-tasks';
import { ADMIN, TaskLink } from './frame';
import { NextPage } from './next-page';

export const PARKED = `${ADMIN}/parked`;

export interface ParkedTasksProps {
  readonly tasks: readonly TaskDetails[];
  readonly next: string | null;
  readonly now: Date;
  readonly time: LibraryTime;
}

/** Tasks that called somebody outside and do not know whether that took effect. */
export function ParkedTasks({ tasks, next, now, time }: ParkedTasksProps) {
  if (tasks.length === 0) return <p class="empty">No task waits for a decision.</p>;
  return (
    <section aria-labelledby="tasks">
      <h2 id="tasks">What happened?</h2>
      <p>
        Each of these tasks called somebody outside, and its worker was lost, or gave up, before the answer came. Find
        out there whether it took effect, for example in the log of the mail server, and say so here: what was sent is
        not sent again, what was not sent is sent now, and the task goes on.
      </p>
      <ol class="cases">
        {tasks.map((task) => (
          <li key={task.id} class="card" data-key={task.id}>
            <Parked task={task} now={now} time={time} />
          </li>
        ))}
      </ol>
      <NextPage path={PARKED} next={next} />
    </section>
  );
}

interface ParkedProps {
  readonly task: TaskDetails;
  readonly now: Date;
  readonly time: LibraryTime;
}

function Parked({ task, now, time }: ParkedProps) {
  const { id, name, queue, error, acceptedAt, effects } = task;
  const subject = TASK_SUBJECTS[name]?.(task);
  return (
    <>
      <div class="case">
        <h3>
          <TaskLink id={id} name={subject?.title ?? name} />
        </h3>
        {error === null ? null : <Reason text={inPlainWords(error)} id={id} />}
        <p class="when">
          Queue {queue} · accepted <Moment at={acceptedAt} now={now} time={time} />
        </p>
        <ul class="effects">
          {effects.filter(isInQuestion).map(({ key, intentAt }) => (
            <li key={key} data-key={key}>
              <p>
                <strong>{questionOf(key, subject)}</strong>
                <br />
                External effect <code>{key}</code>, called <Moment at={intentAt} now={now} time={time} />
              </p>
              <form method="post" action={`${ADMIN}/tasks/${id}/resolve`} class="actions">
                <input type="hidden" name="key" value={key} />
                <button class="quiet small" name="outcome" value="sent">
                  It was sent<span class="hidden"> ({key})</span>
                </button>
                <button class="quiet small" name="outcome" value="not-sent">
                  It was not sent<span class="hidden"> ({key})</span>
                </button>
              </form>
            </li>
          ))}
        </ul>
      </div>
      <div class="actions">
        <One action="discard" label="Discard" id={id} confirm="Discard this task? It counts as cancelled." />
      </div>
    </>
  );
}

function questionOf(key: string, subject: TaskSubject | undefined): string {
  const sent = subject?.sends?.[key];
  return sent === undefined ? `Did “${key}” happen?` : `Was ${sent} sent?`;
}

function isInQuestion({ onUnknown, receiptAt }: ExternalEffectRecord): boolean {
  return onUnknown === 'park' && receiptAt === null;
}
