import { sweepUploadsDaily } from '../imports/sweep-uploads.task';
import { newsSchedules } from '../news/news.tasks';
import type { NewsSchedule } from '../news/news.tasks';
import { sweepPostersDaily } from '../posters/sweep-posters.task';
import { remindEveryMinute } from '../reminders/reminders.task';
import type { ScheduleDefinition } from '../tasks';

export type ScheduleOptions = NewsSchedule;

/** All of the app's schedules: what the scheduler does not find here it marks as gone. */
export function schedulesOf(options: ScheduleOptions): readonly ScheduleDefinition[] {
  return [sweepUploadsDaily, sweepPostersDaily, remindEveryMinute, ...newsSchedules(options)];
}
