import type { TaskState } from '../tasks';

/** What each state means to somebody who waits for the task. */
const MEANINGS: Readonly<Record<TaskState, string>> = {
  waiting: 'Waits for other tasks',
  queued: 'Waits for its turn',
  running: 'Is being done',
  done: 'Done',
  dead: 'Failed',
  cancelled: 'Cancelled',
  parked: 'Waits for a decision',
};

/** In plain words, for headings and for screen readers. */
export function meaningOf(state: TaskState): string {
  return MEANINGS[state];
}

/** A task's state by word, colour and shape. */
export function StateBadge({ state }: { readonly state: TaskState }) {
  return <span class={`state state-${state}`}>{state}</span>;
}
