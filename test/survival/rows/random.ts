import { setTimeout as sleep } from 'node:timers/promises';
import { wrongAnswers } from '../answers';
import { measureSpeeds } from '../full-speed';
import { PACE, WARM_SECONDS } from '../inject';
import type { Row } from '../row';
import type { Span } from '../system/idleness';
import { statusOf } from '../system/journal';
import { KeptBacklog } from '../system/kept-backlog';
import type { Pace } from '../system/load';
import type { System } from '../system/system';
import { CALM_SECONDS, STANDSTILL_SECONDS } from '../trial';
import type { Trial } from '../trial';
import { RandomSchedule } from './random-schedule';

/** What callers ask for all the time: 200 plain probes a second and some of every other kind. */
const PACES: readonly Pace[] = [
  PACE,
  { requestsPerSecond: 2, request: { count: 5, runMs: 300 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, failTimes: 1 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, outcome: 'external', failTimes: 1, onUnknown: 'repeat' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 0, outcome: 'snooze' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, delaySeconds: 10 } },
];
/** So few mean that the schedule stood still. */
const LEAST_PER_MINUTE = 4;
/** Of the whole time: what a worker must have been well and have had its database, longer than it may stand idle each time. */
const LEAST_LOOKED_AT = 0.1;
/** After the last healing: a silent loss of Redis or PostgreSQL may be noticed so late (R7, D4). */
const RECOVERY_SECONDS = 20;

/** The faults of processes, Redis and PostgreSQL one after the other and at the same time, by chance. */
export function randomRow(minutes: number): Row {
  return {
    id: 'RANDOM',
    fault: `${minutes} minutes of random faults of processes, Redis and Postgres`,
    mustHold:
      'nothing lost, no effect twice; 503 only for want of the database, then 202 again; no worker idle beside a backlog',
    system: { webs: 2, schedulers: 1, feed: true },
    run: async (trial, system) => {
      const loads = PACES.map((pace) => system.startLoad(pace));
      await system.drawFromRedis(WARM_SECONDS);
      const backlog = new KeptBacklog(system, loads[0]!);
      const fromMs = Date.now();
      const schedule = new RandomSchedule(trial, system, { backlog, endMs: fromMs + minutes * 60_000 });
      try {
        trial.compareWith(await measureSpeeds(system));
        await schedule.run();
        await trial.everybodyWorks(Date.now(), RECOVERY_SECONDS);
        const recoveredMs = Date.now();
        await sleep(CALM_SECONDS * 1_000);
        const endMs = Date.now();
        await backlog.stop();
        for (const load of loads) await load.stop();
        await trial.drain();
        checkAnswers(trial, system, schedule, { fromMs, recoveredMs, endMs });
        await checkIdleness(trial, system, schedule, { fromMs, recoveredMs, endMs });
      } finally {
        await backlog.stop();
      }
      const { faults, leastBacklog } = schedule;
      trial.check(faults >= minutes * LEAST_PER_MINUTE, `only ${faults} faults came in ${minutes} minutes`);
      trial.note([...schedule.counts].map(([name, times]) => `${times} x ${name}`).join(', '));
      trial.note(`${leastBacklog} tasks or more were unfinished at each of the ${faults} faults`);
    },
  };
}

interface Moments {
  readonly fromMs: number;
  readonly recoveredMs: number;
  readonly endMs: number;
}

/** What both have; of negative length when that is nothing. */
function common(a: Span, b: Span): Span {
  return { fromMs: Math.max(a.fromMs, b.fromMs), toMs: Math.min(a.toMs, b.toMs) };
}

function checkAnswers(
  trial: Trial,
  system: System,
  schedule: RandomSchedule,
  { fromMs, recoveredMs, endMs }: Moments,
): void {
  trial.checkAnswers('before everybody had recovered', [fromMs, recoveredMs], ['503']);
  trial.checkAnswers('after everybody had recovered', [recoveredMs, endMs]);
  const sent = system.journal.sentBetween(fromMs, recoveredMs);
  const wrong = wrongAnswers(system, sent, new Set(['202'])).filter((entry) => {
    const span = { fromMs: entry.sentAtMs, toMs: entry.endedAtMs };
    return statusOf(entry) === '503' && !schedule.couldLackDatabase(entry.entrance ?? '', span, RECOVERY_SECONDS);
  });
  trial.check(wrong.length === 0, `${wrong.length} callers were answered 503 although web had its database`);
}

async function checkIdleness(
  trial: Trial,
  system: System,
  schedule: RandomSchedule,
  { fromMs, recoveredMs, endMs }: Moments,
): Promise<void> {
  const looked = new Map(
    system.workers.map(({ name }) => {
      const able = schedule.hadDatabase(name, { fromMs, toMs: recoveredMs }, RECOVERY_SECONDS);
      return [name, [...able, { fromMs: recoveredMs, toMs: endMs }]] as const;
    }),
  );
  await trial.nobodyStoodIdleWithin((worker) => looked.get(worker) ?? []);
  for (const { name, life } of system.workers) {
    const spans = looked.get(name)!.flatMap((span) => life.spans.map((well) => common(span, well)));
    const seenMs = spans.map((span) => span.toMs - span.fromMs).filter((ms) => ms > STANDSTILL_SECONDS * 1_000);
    const share = seenMs.reduce((sum, ms) => sum + ms, 0) / (endMs - fromMs);
    trial.note(`${name} was well and had its database in ${(share * 100).toFixed(0)} % of the time`);
    trial.check(share >= LEAST_LOOKED_AT, `${name} was hardly looked at for standing idle`);
  }
}
