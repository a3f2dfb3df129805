import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { TaskState } from '../types';
import type { CatchUp } from './schedule';
import { SCHEDULE_STATEMENTS } from './schedule-row';
import type { StoredDefinition } from './schedule-row';

/** A tick that was accepted. */
export interface ScheduleTick {
  readonly tickAt: Date;
  readonly taskId: string;
  readonly acceptedAt: Date;
  /** Of its task; null when that has been pruned. */
  readonly state: TaskState | null;
}

/** A schedule as the ledger has it. */
export interface ScheduleStatus {
  readonly name: string;
  /** Name of the task that each tick accepts. */
  readonly task: string;
  readonly queue: string;
  readonly version: number;
  /** Seconds between two ticks; null when it follows `cron`. */
  readonly every: number | null;
  readonly cron: string | null;
  /** IANA name of the zone of `cron`. */
  readonly zone: string | null;
  readonly catchUp: CatchUp;
  /** The last tick that was accepted, with its task; null before the first. */
  readonly last: ScheduleTick | null;
  /** When it ticks next; null when it never does, or has left the code. */
  readonly nextAt: Date | null;
  /** Since when no scheduler knows it any more: it does not run. Null while one does. */
  readonly leftAt: Date | null;
}

interface ListRow {
  name: string;
  version: number;
  definition: StoredDefinition;
  next_at: Date | null;
  left_at: Date | null;
  tick_at: Date | null;
  task_id: string | null;
  accepted_at: Date | null;
  state: TaskState | null;
}

/** Reads schedules from the ledger, whether a scheduler runs or not. */
export class ScheduleList {
  private readonly sql = loadStatements(__dirname, 'schedule.sql', SCHEDULE_STATEMENTS);

  constructor(private readonly ledger: Pick<Ledger, 'query'>) {}

  /** All schedules by name, also those that have left the code. */
  async read(): Promise<ScheduleStatus[]> {
    return (await this.ledger.query<ListRow>(this.sql.list)).rows.map(toStatus);
  }
}

function toStatus(row: ListRow): ScheduleStatus {
  const { every, cron, zone, task, queue, catchUp } = row.definition;
  const { tick_at: tickAt, task_id: taskId, accepted_at: acceptedAt, state } = row;
  return {
    ...{ name: row.name, task, queue, version: row.version, catchUp },
    every: every ?? null,
    cron: cron ?? null,
    zone: zone ?? null,
    last: tickAt === null || taskId === null || acceptedAt === null ? null : { tickAt, taskId, acceptedAt, state },
    nextAt: row.left_at === null ? row.next_at : null,
    leftAt: row.left_at,
  };
}
