import type { CatchUp, ScheduleDefinition } from './schedule';
import type { Timing } from './timing';

export const SCHEDULE_STATEMENTS = [
  'known',
  'clock',
  'enrol',
  'lock',
  'write_down',
  'settle',
  'mark_left',
  'list',
  'prune_ticks',
] as const;

/** What is kept of a definition: its timing, which is in force for everybody, and what the list shows. */
export interface StoredDefinition {
  readonly every?: number;
  readonly cron?: string;
  readonly zone?: string;
  readonly task: string;
  readonly queue: string;
  readonly catchUp: CatchUp;
}

/** A row of holdfast.schedule, with the database's time. */
export interface ScheduleRow {
  readonly name: string;
  readonly version: number;
  readonly definition: StoredDefinition;
  readonly watermark: Date;
  readonly next_at: Date | null;
  readonly left_at: Date | null;
  readonly now: Date;
}

/** @param timing the one that is in force from now on. */
export function storedDefinition({ task, options, catchUp }: ScheduleDefinition, timing: Timing): StoredDefinition {
  return { ...timing, task: task.name, queue: options.queue ?? task.queue, catchUp };
}

/** The timing that is in force. */
export function timingIn({ definition: { every, cron, zone } }: Pick<ScheduleRow, 'definition'>): Timing | undefined {
  if (every !== undefined) return { every };
  return cron === undefined ? undefined : { cron, zone: zone ?? 'UTC' };
}

export function sameTiming(one: Timing | undefined, other: Timing): boolean {
  return one?.every === other.every && one?.cron === other.cron && one?.zone === other.zone;
}
