import { setTimeout as sleep } from 'node:timers/promises';
import { PACE, WARM_SECONDS } from '../inject';
import type { Row } from '../row';
import type { Span } from '../system/idleness';
import { KeptBacklog } from '../system/kept-backlog';
import type { Pace } from '../system/load';
import type { System } from '../system/system';
import { CALM_SECONDS, RECOVERY_SECONDS } from '../trial';
import type { Trial } from '../trial';
import { randomFaults } from './random-faults';
import type { RandomFault } from './random-faults';

/** What callers ask for all the time: 200 plain probes a second and some of every other kind. */
const PACES: readonly Pace[] = [
  PACE,
  { requestsPerSecond: 2, request: { count: 5, runMs: 300 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, failTimes: 1 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, outcome: 'external', failTimes: 1, onUnknown: 'repeat' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 0, outcome: 'snooze' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, delaySeconds: 10 } },
];
/** Unfinished at each fault, at least. */
const LEAST_BACKLOG = 1_000;
const LONGEST_MS = 25_000;
/** Of PostgreSQL: a process that is started meanwhile waits for it, within 30 s. */
const LONGEST_ON_POSTGRES_MS = 15_000;
const CALM_MS = 6_000;
/** So few mean that the schedule stood still. */
const LEAST_PER_MINUTE = 4;

/** The faults of processes, Redis and PostgreSQL one after the other and at the same time, by chance. */
export function randomRow(minutes: number): Row {
  return {
    id: 'RANDOM',
    fault: `${minutes} minutes of random faults of processes, Redis and Postgres`,
    mustHold: 'nothing lost, no effect twice; callers hear 202, 503 or nothing; everybody recovers, nobody stands idle',
    system: { webs: 2, schedulers: 1, feed: true },
    run: async (trial, system) => {
      const loads = PACES.map((pace) => system.startLoad(pace));
      await system.drawFromRedis(WARM_SECONDS);
      const backlog = new KeptBacklog(system, loads[0]!);
      const fromMs = Date.now();
      const schedule = new Schedule(trial, system, { backlog, endMs: fromMs + minutes * 60_000 });
      await Promise.all([schedule.disturb(), schedule.disturb()]);
      await trial.everybodyWorks(Date.now(), RECOVERY_SECONDS);
      const recoveredMs = Date.now();
      await sleep(CALM_SECONDS * 1_000);
      const endMs = Date.now();
      await backlog.stop();
      for (const load of loads) await load.stop();
      await trial.drain();
      trial.checkAnswers('before everybody had recovered', [fromMs, recoveredMs], ['503']);
      trial.checkAnswers('after everybody had recovered', [recoveredMs, endMs]);
      await trial.nobodyStoodIdleWithin(schedule.ableToWork(fromMs, endMs));
      schedule.report(minutes);
    },
  };
}

/** Which fault comes when, and which have come. */
class Schedule {
  private readonly counts = new Map<string, number>();
  private readonly busy = new Set<string>();
  private readonly standstills: Span[] = [];
  private leastBacklog = Infinity;

  constructor(
    private readonly trial: Trial,
    private readonly system: System,
    private readonly course: { readonly backlog: KeptBacklog; readonly endMs: number },
  ) {}

  /** One fault after the other, with some calm between them. */
  async disturb(): Promise<void> {
    const { random } = this.trial;
    while (Date.now() < this.course.endMs) {
      await sleep(500 + random() * CALM_MS);
      const backlog = await this.course.backlog.unfinished();
      const fault = this.choose();
      if (fault === undefined || backlog < LEAST_BACKLOG) continue;
      this.leastBacklog = Math.min(this.leastBacklog, backlog);
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      const longestMs = fault.standstill ? LONGEST_ON_POSTGRES_MS : LONGEST_MS;
      await this.bring(fault, 500 + random() ** 2 * longestMs);
    }
  }

  /** When every worker that was well itself could work, from one moment to another. */
  ableToWork(fromMs: number, toMs: number): Span[] {
    const able: Span[] = [];
    let since = fromMs;
    for (const span of [...this.standstills, { fromMs: toMs, toMs }].sort((a, b) => a.fromMs - b.fromMs)) {
      if (span.fromMs > since) able.push({ fromMs: since, toMs: span.fromMs });
      since = Math.max(since, span.toMs);
    }
    return able;
  }

  /** What came. */
  report(minutes: number): void {
    const { trial, counts } = this;
    const faults = [...counts.values()].reduce((sum, times) => sum + times, 0);
    trial.check(faults >= minutes * LEAST_PER_MINUTE, `only ${faults} faults came in ${minutes} minutes`);
    trial.note([...counts].map(([name, times]) => `${times} x ${name}`).join(', '));
    trial.note(`${this.leastBacklog} tasks or more were unfinished at each of the ${faults} faults`);
  }

  /** First whom it befalls, so that each is as likely as any other, then what. */
  private choose(): RandomFault | undefined {
    const { random } = this.trial;
    const possible = randomFaults(this.system, random).filter(({ on }) => !this.busy.has(on));
    const targets = [...new Set(possible.map(({ on }) => on))];
    const target = targets[Math.floor(random() * targets.length)];
    const faults = possible.filter(({ on }) => on === target);
    return faults[Math.floor(random() * faults.length)];
  }

  private async bring(fault: RandomFault, lastsMs: number): Promise<void> {
    this.busy.add(fault.on);
    this.system.log.note(`${fault.name} on ${fault.on} for ${(lastsMs / 1_000).toFixed(1)} s`);
    const fromMs = Date.now();
    await fault.begin();
    await sleep(lastsMs);
    await fault.heal();
    if (fault.standstill) this.standstills.push({ fromMs, toMs: Date.now() + RECOVERY_SECONDS * 1_000 });
    this.busy.delete(fault.on);
  }
}
