import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { NEWS_SECONDS } from '../system/system';
import type { System } from '../system/system';
import type { Trial } from '../trial';

const SCHEDULE = `news.every-${NEWS_SECONDS}s`;
const KILLS = 4;
const DOWN_SECONDS = 5;
const TOGETHER_SECONDS = 20;

/** Faults of the scheduler, which accepts what is due by the clock. */
export const scheduleRows: readonly Row[] = [
  {
    id: 'P11',
    fault: 'scheduler SIGKILL at a tick; scheduler down over several ticks',
    mustHold: 'each tick once, by catch-up policy',
    system: { schedulers: 1, feed: true },
    run: async (trial, system) => {
      const scheduler = system.schedulers[0]!;
      const gaps: { fromMs: number; toMs: number }[] = [];
      await trial.disturb({
        begin: async () => {
          // No more of them: the burst of tasks is to outlast it.
          await ticked(system, 1);
          await atATick();
          await scheduler.kill();
        },
        last: async () => {
          for (let i = 0; i < KILLS; i += 1) {
            const fromMs = Date.now();
            await sleep(i === 0 ? DOWN_SECONDS * 1_000 : 0);
            await scheduler.start();
            gaps.push({ fromMs, toMs: Date.now() });
            await ticked(system, 2);
            await atATick();
            if (i + 1 < KILLS) await scheduler.kill();
          }
        },
        goesOn: ['accepting', 'working'],
      });
      await eachTickOnce(trial, system);
      const ticks = await ticksOf(system);
      const [down] = gaps;
      // Of the ticks that were missed the latest only, as the schedule says.
      const caughtUp = ticks.filter((ms) => ms > down!.fromMs && ms < down!.fromMs + DOWN_SECONDS * 1_000 - 1_000);
      trial.check(caughtUp.length === 0, `${caughtUp.length} ticks were accepted that a later one stands for`);
      trial.note(`${ticks.length} ticks, ${gaps.length} kills, down for ${DOWN_SECONDS} s once`);
    },
  },
  {
    id: 'P12',
    fault: 'two schedulers at once',
    mustHold: 'each tick once',
    system: { schedulers: 2, feed: true },
    run: async (trial, system) => {
      let fromMs = 0;
      await trial.disturb({
        begin: async () => {
          await ticked(system, 1);
          fromMs = Date.now();
        },
        last: (atMs) => trial.lasts(TOGETHER_SECONDS, atMs),
        goesOn: ['accepting', 'working'],
      });
      await eachTickOnce(trial, system);
      const ticks = (await ticksOf(system)).filter((ms) => ms >= fromMs && ms < fromMs + TOGETHER_SECONDS * 1_000);
      const missing = TOGETHER_SECONDS / NEWS_SECONDS - ticks.length;
      trial.check(missing <= 1, `${missing} of ${TOGETHER_SECONDS} ticks are missing`);
      trial.note(`${ticks.length} ticks by two schedulers in ${TOGETHER_SECONDS} s`);
    },
  },
];

/** Just before the next one is due, so that what comes falls into its acceptance. */
async function atATick(): Promise<void> {
  const everyMs = NEWS_SECONDS * 1_000;
  await sleep(everyMs - (Date.now() % everyMs) + 2);
}

/** Waits for so many more ticks. */
export async function ticked(system: System, more: number): Promise<void> {
  const before = (await ticksOf(system)).length;
  await waitUntil('the schedule ticks', async () => (await ticksOf(system)).length >= before + more, {
    limitSeconds: 30,
  });
}

/** When each tick was due, in ms since 1970. */
async function ticksOf(system: System): Promise<number[]> {
  const ticks = await system.ledger.rows<{ ms: number }>(
    `select (extract(epoch from tick_at) * 1000)::float8 as ms from holdfast.schedule_tick
     where schedule = $1 order by tick_at`,
    [SCHEDULE],
  );
  return ticks.map(({ ms }) => ms);
}

export async function eachTickOnce(trial: Trial, system: System): Promise<void> {
  const [count] = await system.ledger.rows<{ ticks: number; tasks: number; strays: number }>(
    `select (select count(*) from holdfast.schedule_tick where schedule = $1)::int as ticks,
            (select count(*) from holdfast.task where name = 'news.collect')::int as tasks,
            (select count(*) from holdfast.task t where t.name = 'news.collect'
               and not exists (select from holdfast.schedule_tick s where s.task_id = t.uuid))::int as strays`,
    [SCHEDULE],
  );
  const { ticks, tasks, strays } = count!;
  trial.check(ticks === tasks && strays === 0, `${ticks} ticks have ${tasks} tasks, ${strays} tasks have no tick`);
}
