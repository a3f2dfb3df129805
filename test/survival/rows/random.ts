import { setTimeout as sleep } from 'node:timers/promises';
import { PACE, WARM_SECONDS } from '../inject';
import type { Row } from '../row';
import type { AppProcess } from '../system/app-process';
import type { Link } from '../system/link';
import type { Pace } from '../system/load';
import type { System } from '../system/system';
import { RECOVERY_SECONDS } from '../trial';
import type { Trial } from '../trial';
import { freeze, thaw } from './redis';

/** What callers ask for all the time: 200 plain probes a second and some of every other kind. */
const PACES: readonly Pace[] = [
  PACE,
  { requestsPerSecond: 2, request: { count: 5, runMs: 300 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, failTimes: 1 } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, outcome: 'external', failTimes: 1, onUnknown: 'repeat' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 0, outcome: 'snooze' } },
  { requestsPerSecond: 1, request: { count: 5, runMs: 20, delaySeconds: 10 } },
];
const LONGEST_MS = 25_000;
const CALM_MS = 6_000;

/** Something that goes wrong and is put right again after a while. */
interface Fault {
  readonly name: string;
  /** What it befalls; nothing else befalls that at the same time. */
  readonly on: string;
  begin(): Promise<unknown>;
  heal(): Promise<unknown>;
}

/** The faults of processes, Redis and PostgreSQL one after the other and at the same time, by chance. */
export function randomRow(minutes: number): Row {
  return {
    id: 'RANDOM',
    fault: `${minutes} minutes of random faults of processes, Redis and Postgres`,
    mustHold: 'nothing lost, no effect twice',
    system: { webs: 2, schedulers: 1, feed: true },
    run: async (trial, system) => {
      const loads = PACES.map((pace) => system.startLoad(pace));
      await system.drawFromRedis(WARM_SECONDS);
      const endMs = Date.now() + minutes * 60_000;
      const counts = new Map<string, number>();
      const busy = new Set<string>();
      await Promise.all([
        disturb(trial, system, { endMs, counts, busy }),
        disturb(trial, system, { endMs, counts, busy }),
      ]);
      await trial.everybodyWorks(Date.now(), 2 * RECOVERY_SECONDS);
      for (const load of loads) await load.stop();
      await trial.drain();
      trial.note([...counts].map(([name, times]) => `${times} x ${name}`).join(', '));
    },
  };
}

interface Course {
  readonly endMs: number;
  readonly counts: Map<string, number>;
  readonly busy: Set<string>;
}

/** One fault after the other, with some calm between them. */
async function disturb(trial: Trial, system: System, { endMs, counts, busy }: Course): Promise<void> {
  const { random } = trial;
  while (Date.now() < endMs) {
    await sleep(500 + random() * CALM_MS);
    const possible = faultsOf(system, random).filter(({ on }) => !busy.has(on));
    const fault = possible[Math.floor(random() * possible.length)];
    const lasts = 500 + random() ** 2 * LONGEST_MS;
    if (fault === undefined) continue;
    busy.add(fault.on);
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1);
    system.log.note(`${fault.name} on ${fault.on} for ${(lasts / 1_000).toFixed(1)} s`);
    await fault.begin();
    await sleep(lasts);
    await fault.heal();
    busy.delete(fault.on);
  }
}

function faultsOf(system: System, random: () => number): Fault[] {
  const { postgres, queue } = system.servers;
  const processes = system.processes.flatMap((process) => [
    ...endings(process),
    ...network(process.name, 'queue', system.links(process).queue, random),
    ...network(process.name, 'postgres', system.links(process).postgres, random),
  ]);
  const redis: Omit<Fault, 'on'>[] = [
    { name: 'Redis emptied', begin: () => system.redis.flushall(), heal: nothing },
    { name: 'Redis killed', begin: () => queue.kill(), heal: () => queue.restart() },
    {
      name: 'Redis frozen',
      begin: () => freeze(system),
      heal: () => thaw(system),
    },
  ];
  const database: Omit<Fault, 'on'>[] = [
    { name: 'Postgres restarted', begin: () => postgres.restart(), heal: nothing },
    { name: 'Postgres killed', begin: () => postgres.kill(), heal: () => postgres.restart() },
  ];
  return [
    ...processes,
    ...redis.map((fault) => ({ ...fault, on: 'Redis' })),
    ...database.map((fault) => ({ ...fault, on: 'Postgres' })),
  ];
}

function endings(process: AppProcess): Fault[] {
  const on = process.name;
  const kind = on.replace(/-\d$/, '');
  const again = (): Promise<void> => process.start();
  return [
    { on, name: `${kind} killed`, begin: () => process.kill(), heal: again },
    { on, name: `${kind} terminated`, begin: () => process.terminate(), heal: again },
    {
      on,
      name: `${kind} frozen`,
      begin: () => process.freeze(),
      heal: now(() => process.thaw()),
    },
  ];
}

function network(on: string, server: string, link: Link, random: () => number): Fault[] {
  const heal = now(() => link.heal());
  return [
    { on, name: `${server} unheard of`, begin: now(() => link.drop()), heal },
    { on, name: `${server} slow`, begin: now(() => link.slow(100, 100)), heal },
    { on, name: `${server} reset`, begin: now(() => link.cutSome(0.5, random)), heal: nothing },
  ];
}

function now(act: () => void): () => Promise<void> {
  return () => {
    act();
    return nothing();
  };
}

function nothing(): Promise<void> {
  return Promise.resolve();
}
