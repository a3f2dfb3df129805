import type { LibraryTime } from '../library/time';
import type { TaskRecord } from '../tasks';
import { countOf } from './amounts';
import { ADMIN, TaskLink } from './frame';
import { Since } from './since';
import { Table } from './table';

/** Rows on the overview. */
export const MOST_RUNNING_SHOWN = 10;

export interface RunningTasksProps {
  /** The longest first. */
  readonly running: readonly TaskRecord[];
  readonly total: number;
  readonly now: Date;
  readonly time: LibraryTime;
}

export function RunningTasks({ running, total, now, time }: RunningTasksProps) {
  if (running.length === 0) return <p class="empty">Nothing runs at the moment.</p>;
  const hidden = total - running.length;
  return (
    <>
      <Table
        caption="Tasks that run, the longest first"
        rows={running}
        keyOf={(task) => task.id}
        columns={[
          { heading: 'Task', cell: (task) => <TaskLink {...task} /> },
          { heading: 'Queue', cell: (task) => task.queue },
          { heading: 'Attempt', numeric: true, cell: (task) => `${task.attempt} of ${task.maxAttempts}` },
          {
            heading: 'Runs for',
            numeric: true,
            cell: ({ startedAt }) => (startedAt === null ? '–' : <Since at={startedAt} now={now} time={time} />),
          },
          { heading: 'Action', cell: (task) => <Cancel id={task.id} name={task.name} /> },
        ]}
      />
      {running.length === MOST_RUNNING_SHOWN && hidden > 0 ? (
        <p class="hint">and {countOf(hidden, 'task')} more that began later.</p>
      ) : null}
    </>
  );
}

function Cancel({ id, name }: { readonly id: string; readonly name: string }) {
  return (
    <form method="post" action={`${ADMIN}/tasks/${id}/cancel`} data-confirm={`Cancel this task (${name})?`}>
      <button class="quiet small">
        Cancel<span class="hidden"> task {id}</span>
      </button>
    </form>
  );
}
