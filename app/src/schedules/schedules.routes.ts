import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { problemResponses } from '../http/problem';
import { CATCH_UPS } from '../tasks';
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
      .object({ tickAt: moment, taskId: z.uuid(), acceptedAt: moment })
      .nullable()
      .describe('The last tick that was accepted, with its task; null before the first'),
    nextAt: moment.nullable().describe('Null when it never ticks again, or has left the code'),
    leftAt: moment.nullable().describe('Since when the scheduler does not know it any more; it does not run then'),
  })
  .meta({ id: 'Schedule' });

export function registerScheduleRoutes(app: App, tasks: Pick<Tasks, 'schedules'>): void {
  app.get(
    '/api/schedules',
    {
      schema: {
        tags: ['schedules'],
        summary: 'Schedules with their last and next ticks',
        response: {
          200: z.object({ schedules: z.array(scheduleSchema) }).describe('By name'),
          ...problemResponses,
        },
      },
    },
    async () => ({ schedules: (await inTime(tasks.schedules())).map(viewSchedule) }),
  );
}

function viewSchedule({ last, nextAt, leftAt, ...schedule }: ScheduleStatus): z.output<typeof scheduleSchema> {
  return {
    ...schedule,
    last:
      last === null ? null : { ...last, tickAt: last.tickAt.toISOString(), acceptedAt: last.acceptedAt.toISOString() },
    nextAt: nextAt?.toISOString() ?? null,
    leftAt: leftAt?.toISOString() ?? null,
  };
}
