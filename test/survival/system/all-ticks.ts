import { otherBuild } from './other-build';

/** Of no other probe, so that these can be told from the rest. */
export const ALL_TICKS_RUN_MS = 13;

/** Of the schedule that `schedulersOfAllTicks` have beside the app's. */
export function allTicksOf(seconds: number): string {
  return `test.all-ticks-every-${seconds}s`;
}

/** Schedulers that know one more schedule: it accepts a probe a tick, and makes up all that were missed. */
export function schedulersOfAllTicks(seconds: number): (process: string) => string | undefined {
  let folder: string | undefined;
  const build = (): string =>
    otherBuild([
      {
        file: 'schedules/schedules.ts',
        from: "import { remindEveryMinute } from '../reminders/reminders.task';\n",
        to: `import { remindEveryMinute } from '../reminders/reminders.task';
import { probe } from '../probes/probe.task';
import { defineSchedule } from '../tasks';

const allTicks = defineSchedule({
  name: '${allTicksOf(seconds)}',
  task: probe,
  payload: { runMs: ${ALL_TICKS_RUN_MS}, failTimes: 0 },
  catchUp: 'all',
  every: ${seconds},
});
`,
      },
      {
        file: 'schedules/schedules.ts',
        from: '...newsSchedules(options)]',
        to: '...newsSchedules(options), allTicks]',
      },
    ]);
  return (process) => (process.startsWith('scheduler') ? (folder ??= build()) : undefined);
}
