import type { TaskDetails } from '../tasks';

/** How far a task is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What the numbers mean, for example `2 of 3 pictures`. */
  readonly text: string;
}

export interface SubjectLink {
  readonly href: string;
  readonly text: string;
}

/** What a task is about, in the words of the pages. */
export interface TaskSubject {
  /** Heading of its page, for example `A poster`. */
  readonly title: string;
  /** Undefined while nothing is known. */
  readonly progress?: Progress | undefined;
  /** Where its reader may want to go next; for everybody. */
  readonly link?: SubjectLink;
  /** The same for the staff. @default link */
  readonly staffLink?: SubjectLink;
  /** What it sends to somebody outside, by the key of the external effect: as in `Was the reminder sent?` */
  readonly sends?: Readonly<Record<string, string>>;
}

/** Tells what a task is about from its payload and progress. */
export type DescribeTask = (task: TaskDetails) => TaskSubject;

/** By the task's name; of others the page shows what all tasks have. */
export type TaskSubjects = Readonly<Record<string, DescribeTask>>;

/** `{ done, total }` of a progress that was written as such numbers; undefined of any other. */
export function countedProgress(value: unknown, field: string, of: string): Progress | undefined {
  const [done, total] = [numberIn(value, field), numberIn(value, 'total')];
  if (done === undefined || total === undefined || total <= 0) return undefined;
  return { done, total, text: `${COUNT.format(done)} of ${COUNT.format(total)} ${of}` };
}

const COUNT = new Intl.NumberFormat('en-GB');

function numberIn(value: unknown, field: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, field);
  return typeof found === 'number' ? found : undefined;
}
