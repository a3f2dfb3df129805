import type { LibraryTime } from '../library/time';
import { Moment } from '../pages/moment';
import type { ScheduleStatus } from '../tasks';
import { duration } from './amounts';
import { Table } from './table';

export interface ScheduleTableProps {
  readonly schedules: readonly ScheduleStatus[];
  readonly now: Date;
  readonly time: LibraryTime;
}

export function ScheduleTable({ schedules, now, time }: ScheduleTableProps) {
  if (schedules.length === 0) return <p class="empty">No schedule is known: no scheduler has started yet.</p>;
  return (
    <Table
      caption="Schedules by name"
      rows={schedules}
      keyOf={(schedule) => schedule.name}
      columns={[
        { heading: 'Schedule', cell: (schedule) => schedule.name },
        { heading: 'Ticks', cell: rule },
        { heading: 'Accepts', cell: ({ task, queue }) => `${task} in ${queue}` },
        {
          heading: 'Last tick',
          cell: ({ last }) =>
            last === null ? (
              'never'
            ) : (
              <>
                <Moment at={last.tickAt} now={now} time={time} /> (<a href={`/tasks/${last.taskId}`}>its task</a>)
              </>
            ),
        },
        { heading: 'Next tick', cell: (schedule) => <Next schedule={schedule} now={now} time={time} /> },
      ]}
    />
  );
}

function rule({ every, cron, zone }: ScheduleStatus) {
  if (every !== null) return `every ${duration(every)}`;
  return (
    <>
      <code>{cron}</code> {zone}
    </>
  );
}

interface NextProps {
  readonly schedule: ScheduleStatus;
  readonly now: Date;
  readonly time: LibraryTime;
}

function Next({ schedule: { nextAt, leftAt }, now, time }: NextProps) {
  if (leftAt !== null) {
    return (
      <span class="state warn">
        not in the code any more since <Moment at={leftAt} now={now} time={time} />
      </span>
    );
  }
  if (nextAt === null) return 'never again';
  // A scheduler that runs takes a tick within a second.
  const isLate = now.getTime() - nextAt.getTime() > LATE_MS;
  return isLate ? (
    <span class="state warn">
      was due <Moment at={nextAt} now={now} time={time} />: does a scheduler run?
    </span>
  ) : (
    <Moment at={nextAt} now={now} time={time} />
  );
}

const LATE_MS = 10_000;
