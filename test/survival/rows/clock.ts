import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { probe } from '../../../app/src/probes/probe.task';
import { createTasks, defineSchedule } from '../../../app/src/tasks';
import type { Row } from '../row';
import { jump, setClock } from '../system/database-clock';
import { LIBRARY_ZONE } from '../system/process-environment';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { eachTickOnce, ticked } from './schedules';

const HOUR = 3_600;
const BACK_SECONDS = 20;
const LOG = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** What a clock in the library's zone shows around its changes, and the ticks that it means (docs of the engine, "Schedules"). */
const CALENDAR = [
  {
    name: 'skipped-time',
    cron: '30 1 * * *',
    from: '2027-03-27T12:00:00Z',
    to: '2027-03-29T12:00:00Z',
    ticks: ['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'],
  },
  {
    name: 'time-that-comes-twice',
    cron: '30 1 * * *',
    from: '2027-10-30T12:00:00Z',
    to: '2027-11-01T12:00:00Z',
    ticks: ['2027-10-31T00:30:00.000Z', '2027-11-01T01:30:00.000Z'],
  },
  {
    name: 'leap-day',
    cron: '0 12 29 2 *',
    from: '2027-11-02T00:00:00Z',
    to: '2028-03-02T00:00:00Z',
    ticks: ['2028-02-29T12:00:00.000Z'],
  },
] as const;

/** Faults of the clock: the database's, which all others are not asked for. */
export const clockRows: readonly Row[] = [
  {
    id: 'P13',
    fault: 'clock jump, DST change, leap day',
    mustHold: 'ticks as the IANA zone says, none twice',
    simulated: "a function now() that is found before PostgreSQL's",
    system: { schedulers: 1, feed: true, clock: true },
    run: async (trial, system) => {
      await trial.disturb({
        begin: async () => {
          await ticked(system, 2);
          await jump(system.ledger, HOUR);
        },
        last: async () => {
          await ticked(system, 5);
          await jump(system.ledger, -BACK_SECONDS);
          await ticked(system, 2);
        },
        goesOn: ['accepting', 'working'],
      });
      await eachTickOnce(trial, system);
      // What a tick brings in the last moment would be left, as nobody is there to do it.
      await system.stopSchedules();
      await trial.drain();
      await Promise.all(system.processes.map((process) => process.stop()));
      for (const { name, ...dates } of CALENDAR) await tickThrough(trial, system, name, dates);
    },
  },
];

interface Dates {
  readonly cron: string;
  readonly from: string;
  readonly to: string;
  readonly ticks: readonly string[];
}

/** A scheduler lives through these days twice, as the clock is set back in between. */
async function tickThrough(
  trial: Trial,
  system: System,
  name: string,
  { cron, from, to, ticks }: Dates,
): Promise<void> {
  await setClock(system.ledger, new Date(from));
  const tasks = createTasks({ postgres: { connectionString: system.servers.postgres.url }, logger: LOG });
  const schedule = defineSchedule({
    ...{ name, task: probe, payload: { runMs: 0, failTimes: 0 }, catchUp: 'all' as const },
    ...{ cron, zone: LIBRARY_ZONE },
  });
  try {
    tasks.startScheduler({ schedules: [schedule] });
    await waitUntil('the schedule is known', async () => (await tasks.schedules()).some((each) => each.name === name), {
      limitSeconds: 10,
    });
    for (const moment of [to, from, to]) {
      await setClock(system.ledger, new Date(moment));
      // As often as the scheduler looks, and then some.
      await sleep(3_000);
    }
  } finally {
    await tasks.close();
  }
  const rows = await system.ledger.rows<{ at: Date; task: string }>(
    'select tick_at as at, task_id as task from holdfast.schedule_tick where schedule = $1 order by tick_at',
    [name],
  );
  const found = rows.map(({ at }) => at.toISOString());
  trial.check(found.join() === ticks.join(), `${name}: ticks at ${found.join(', ')}, expected ${ticks.join(', ')}`);
  trial.note(`${name}: ${found.length} ticks`);
  // Nobody runs them in a year to come.
  await system.ledger.rows('delete from holdfast.task where uuid = any ($1::uuid[])', [rows.map(({ task }) => task)]);
}

function ignore(): void {
  // Nobody reads it.
}
