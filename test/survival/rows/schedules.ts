import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { ENVIRONMENT } from '../../../app/src/contract';
import type { Row } from '../row';
import { ALL_TICKS_RUN_MS, allTicksOf, schedulersOfAllTicks } from '../system/all-ticks';
import { NEWS_SECONDS } from '../system/process-environment';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { checkAllTicks, checkTicks } from './ticks';
import type { Down, Tick } from './ticks';

const SCHEDULE = scheduleEvery(NEWS_SECONDS);
/** So that a scheduler that is started right behind a tick is there long before the next one. */
const SLOW_SECONDS = 5;
const SLOW_MS = SLOW_SECONDS * 1_000;
const SLOW = scheduleEvery(SLOW_SECONDS);
const KILLS = 4;
/** Some ticks of the slow schedule. */
const DOWN_SECONDS = 3 * SLOW_SECONDS;
const TOGETHER_SECONDS = 20;
/** What a scheduler sends that sees a schedule due: statement `lock` of the engine. */
const SCHEDULE_LOCK = 'where name = $1 and version = $2 and watermark = $3';
/** Of some 20 ticks of two schedules. */
const LEAST_LOST = 5;
/** The tick before has long been accepted then. */
const BEFORE_MS = 500;

/** Faults of the scheduler, which accepts what is due by the clock. */
export const scheduleRows: readonly Row[] = [
  {
    id: 'P11',
    fault: 'scheduler SIGKILL at a tick; scheduler down over several ticks',
    mustHold: 'each tick once, by catch-up policy',
    system: {
      ...{ schedulers: 1, feed: true, environment: { [ENVIRONMENT.newsSeconds]: String(SLOW_SECONDS) } },
      build: schedulersOfAllTicks(SLOW_SECONDS),
    },
    run: async (trial, system) => {
      const scheduler = system.schedulers[0]!;
      const downs: Down[] = [];
      await ticked(system, 1, SLOW);
      await trial.disturb({
        begin: () => scheduler.kill(),
        last: async (fromMs) => {
          let killedMs = fromMs;
          await sleep(DOWN_SECONDS * 1_000);
          for (let kills = 1; ; kills += 1) {
            await tickMissed();
            await scheduler.start();
            downs.push({ killedMs, connectedMs: await connectedMs(system, killedMs) });
            await ticked(system, 2, SLOW);
            if (kills === KILLS) return;
            await (kills % 2 === 1 ? killBehindCommit(trial, system) : killAtATick(system));
            killedMs = Date.now();
          }
        },
        goesOn: ['accepting', 'working'],
      });
      await eachTickOnce(trial, system, SLOW);
      checkTicks(trial, { ticks: await ticksOf(system, SLOW), downs, everyMs: SLOW_MS });
      const all = allTicksOf(SLOW_SECONDS);
      await eachTickItsProbe(trial, system, all);
      checkAllTicks(trial, { ticks: await ticksOf(system, all), downs, everyMs: SLOW_MS });
    },
  },
  {
    id: 'P12',
    fault: 'two schedulers at once',
    mustHold: 'each tick once',
    system: { schedulers: 2, feed: true, build: schedulersOfAllTicks(NEWS_SECONDS) },
    run: async (trial, system) => {
      const countedFromMs = Date.now();
      const locks = system.schedulers.map((scheduler) => system.links(scheduler).postgres.count(SCHEDULE_LOCK));
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
      const within = ({ dueMs }: Tick): boolean => dueMs >= fromMs && dueMs < fromMs + TOGETHER_SECONDS * 1_000;
      const ticks = (await ticksOf(system)).filter(within);
      const missing = TOGETHER_SECONDS / NEWS_SECONDS - ticks.length;
      // As after a look that comes late on a busy machine, `latest` leaves one out; `all` does not.
      trial.check(missing <= 1, `${missing} of ${TOGETHER_SECONDS} ticks are missing`);
      const all = allTicksOf(NEWS_SECONDS);
      await eachTickItsProbe(trial, system, all);
      const allTicks = await ticksOf(system, all);
      checkAllTicks(trial, { ticks: allTicks, downs: [], everyMs: NEWS_SECONDS * 1_000 });
      const others = TOGETHER_SECONDS / NEWS_SECONDS - allTicks.filter(within).length;
      trial.check(others === 0, `${others} of ${TOGETHER_SECONDS} ticks are missing that are all to be made up`);
      const asked = locks.map((count) => count());
      // Whoever gets the lock accepts at least one tick: all other times somebody else had been faster.
      const lost = asked.reduce((sum, each) => sum + each, 0) - (await acceptedSince(system, countedFromMs));
      trial.check(
        asked.every((times) => times > 0) && lost >= LEAST_LOST,
        `the schedulers asked for the lock of a schedule ${asked.join(' and ')} times, ${lost} times too late: they did not compete`,
      );
      trial.note(`${ticks.length} ticks by two schedulers in ${TOGETHER_SECONDS} s`);
      trial.note(
        `they asked for the lock of a schedule that was due ${asked.join(' and ')} times, ${lost} times too late`,
      );
    },
  },
];

/** Of app/src/news. */
function scheduleEvery(seconds: number): string {
  return `news.every-${seconds}s`;
}

/** When the slow schedule ticks next, in ms since 1970. */
function nextTickMs(): number {
  return (Math.floor(Date.now() / SLOW_MS) + 1) * SLOW_MS;
}

/** Until right behind the next tick, which nobody accepts while the scheduler is away. */
async function tickMissed(): Promise<void> {
  await sleep(nextTickMs() - Date.now() + 2);
}

/** At the moment in which a tick is due, so that it falls into its acceptance. */
async function killAtATick(system: System): Promise<void> {
  await tickMissed();
  await system.schedulers[0]!.kill();
}

/** The scheduler has sent the COMMIT of a tick and dies before the answer: the tick is accepted, and it cannot know. */
async function killBehindCommit(trial: Trial, system: System): Promise<void> {
  // At a full minute another schedule ticks as well, and comes first.
  while (nextTickMs() % 60_000 === 0) await tickMissed();
  const dueMs = nextTickMs();
  await sleep(dueMs - Date.now() - BEFORE_MS);
  const scheduler = system.schedulers[0]!;
  await system.links(scheduler).postgres.loseAnswerTo('commit\0', 'insert into holdfast.schedule_tick');
  await scheduler.kill();
  const accepted = (await ticksOf(system, SLOW)).some((tick) => tick.dueMs === dueMs);
  trial.check(accepted, 'the scheduler was killed behind a COMMIT, and it was not that of the tick');
}

/** When the scheduler that came after this kill first had a connection, in ms since 1970. */
async function connectedMs(system: System, killedMs: number): Promise<number> {
  return waitUntil(
    'the scheduler has a connection',
    async () => {
      const [answer] = await system.ledger.rows<{ ms: number | null }>(
        `select (extract(epoch from min(backend_start)) * 1000)::float8 as ms from pg_stat_activity
         where application_name like 'holdfast scheduler%' and backend_start > to_timestamp($1::float8 / 1000)`,
        [killedMs],
      );
      return answer?.ms ?? undefined;
    },
    { limitSeconds: SLOW_SECONDS },
  );
}

/** Waits for so many more ticks. */
export async function ticked(system: System, more: number, schedule = SCHEDULE): Promise<void> {
  const before = (await ticksOf(system, schedule)).length;
  await waitUntil('the schedule ticks', async () => (await ticksOf(system, schedule)).length >= before + more, {
    limitSeconds: 30,
  });
}

/** All that were accepted, in the order of their being due. */
async function ticksOf(system: System, schedule = SCHEDULE): Promise<Tick[]> {
  return system.ledger.rows<{ dueMs: number; acceptedMs: number }>(
    `select (extract(epoch from tick_at) * 1000)::float8 as "dueMs",
            (extract(epoch from accepted_at) * 1000)::float8 as "acceptedMs"
     from holdfast.schedule_tick where schedule = $1 order by tick_at`,
    [schedule],
  );
}

/** Ticks of all schedules. */
async function acceptedSince(system: System, fromMs: number): Promise<number> {
  const [answer] = await system.ledger.rows<{ ticks: number }>(
    'select count(*)::int as ticks from holdfast.schedule_tick where accepted_at >= to_timestamp($1::float8 / 1000)',
    [fromMs],
  );
  return answer!.ticks;
}

export async function eachTickOnce(trial: Trial, system: System, schedule = SCHEDULE): Promise<void> {
  const [count] = await system.ledger.rows<{ ticks: number; tasks: number; strays: number }>(
    `select (select count(*) from holdfast.schedule_tick where schedule = $1)::int as ticks,
            (select count(*) from holdfast.task where name = 'news.collect')::int as tasks,
            (select count(*) from holdfast.task t where t.name = 'news.collect'
               and not exists (select from holdfast.schedule_tick s where s.task_id = t.uuid))::int as strays`,
    [schedule],
  );
  const { ticks, tasks, strays } = count!;
  trial.check(ticks === tasks && strays === 0, `${ticks} ticks have ${tasks} tasks, ${strays} tasks have no tick`);
}

async function eachTickItsProbe(trial: Trial, system: System, schedule: string): Promise<void> {
  const [count] = await system.ledger.rows<{ ticks: number; tasks: number; probes: number }>(
    `select count(*)::int as ticks, count(distinct t.uuid)::int as tasks,
            (select count(*) from holdfast.task where payload ->> 'runMs' = $2)::int as probes
     from holdfast.schedule_tick s left join holdfast.task t on t.uuid = s.task_id where s.schedule = $1`,
    [schedule, String(ALL_TICKS_RUN_MS)],
  );
  const { ticks, tasks, probes } = count!;
  const once = ticks === tasks && ticks === probes;
  trial.check(once, `${ticks} ticks of ${schedule} have ${tasks} tasks, and ${probes} probes are of it`);
}
