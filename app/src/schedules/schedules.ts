import { sweepUploadsDaily } from '../imports/sweep-uploads.task';
import { sweepPostersDaily } from '../posters/sweep-posters.task';
import { remindEveryMinute } from '../reminders/reminders.task';
import type { ScheduleDefinition } from '../tasks';

/** All of the app's schedules: what the scheduler does not find here it marks as gone. */
export const schedules: readonly ScheduleDefinition[] = [sweepUploadsDaily, sweepPostersDaily, remindEveryMinute];
