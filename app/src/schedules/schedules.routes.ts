import { z } from 'zod';
import type { App } from '../http/app';
import { isAdministrator, moreForAdministrators } from '../http/authorization';
import type { Authorize } from '../http/authorization';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { CATCH_UPS, TASK_STATES } from '../tasks';
import type { ScheduleStatus, Tasks } from '../tasks';

const moment = z.iso.datetime();

const scheduleSchema = z
  .object({
    name: z.string(),
    task: z.string().describe('What each tick accepts'),
    queue: z.string(),
    version: z.int(),
    every: z.number().nullable().describe('Seconds between two ticks, at their multiples since 1970'),
    cron: z.string().nullable().describe('Minute, hour, day of month, month, day of week'),
    zone: z.string().nullable().describe('Whose clock `cron` means'),
    catchUp: z.enum(CATCH_UPS).describe('Which ticks are accepted that were due while no scheduler ran'),
    last: z
      .object({
        tickAt: moment,
        acceptedAt: moment,
        state: z.enum(TASK_STATES).nullable().describe('Of its task; null when that has been pruned'),
        taskId: z.uuid().optional().describe('For administrators only'),
      })
      .nullable()
      .describe('The last tick that was accepted; null before the first'),
    nextAt: moment.nullable().describe('Null when it never ticks again, or has left the code'),
    leftAt: moment.nullable().describe('Since when the scheduler does not know it any more; it does not run then'),
  })
  .meta({ id: 'Schedule' });

export interface ScheduleRouteDependencies {
  readonly tasks: Pick<Tasks, 'schedules'>;
  readonly authorize: Authorize;
}

export function registerScheduleRoutes(app: App, { tasks, authorize }: ScheduleRouteDependencies): void {
  app.get(
    '/api/schedules',
    {
      schema: {
        ...moreForAdministrators,
        tags: ['schedules'],
        summary: 'Schedules with their last and next ticks',
        response: {
          200: z.object({ schedules: z.array(scheduleSchema) }).describe('By name'),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const all = (await inTime(tasks.schedules())).map(viewSchedule);
      return { schedules: (await isAdministrator(authorize, request)) ? all : all.map(withoutId) };
    },
  );
}

type ScheduleView = z.output<typeof scheduleSchema>;

function viewSchedule({ last, nextAt, leftAt, ...schedule }: ScheduleStatus): ScheduleView {
  return {
    ...schedule,
    last:
      last === null ? null : { ...last, tickAt: last.tickAt.toISOString(), acceptedAt: last.acceptedAt.toISOString() },
    nextAt: nextAt?.toISOString() ?? null,
    leftAt: leftAt?.toISOString() ?? null,
  };
}

/** A task's id is the permission to see it, so it is not for everybody. */
function withoutId({ last, ...schedule }: ScheduleView): ScheduleView {
  if (last === null) return { ...schedule, last };
  const { tickAt, acceptedAt, state } = last;
  return { ...schedule, last: { tickAt, acceptedAt, state } };
}
