import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../app/local/servers/wait-until';
import type { System } from './system/system';

/** Over which a worker's speed is taken. */
const WINDOW_MS = 2_000;
/** Of the speed before the fault; the rest is the noise of a busy machine. */
const LEAST_SHARE = 0.5;
/** Of one worker, in effects a second: a quarter of its share of the load, which is 200 tasks a second for two. */
const LEAST_PER_SECOND = 25;
/** Fewer tasks that wait are a second of the load, and no backlog. */
const LEAST_WAITING = 200;
/** Until a burst that was accepted waits. */
const BACKLOG_SECONDS = 10;

/** What each worker does beside a backlog, in effects a second, by its name. */
export type Speeds = ReadonlyMap<string, number>;

/** Takes the speed of every worker beside a backlog. @throws Error when there is none, or a worker hardly works. */
export async function measureSpeeds(system: System): Promise<Speeds> {
  const { ledger, workers } = system;
  const waits = async (): Promise<boolean> => (await ledger.waiting()) >= LEAST_WAITING;
  await waitUntil('tasks wait for the workers', waits, { limitSeconds: BACKLOG_SECONDS });
  const fromMs = Date.now();
  await sleep(WINDOW_MS);
  const effects = await ledger.effectsByWorker(fromMs, fromMs + WINDOW_MS);
  if (!(await waits())) throw new Error('the backlog was over before the speed of the workers was taken');
  const speeds = new Map<string, number>();
  for (const worker of workers) {
    const speed = ((effects.get(await system.registrationOf(worker)) ?? 0) * 1_000) / WINDOW_MS;
    if (speed * LEAST_SHARE < LEAST_PER_SECOND)
      throw new Error(`${worker.name} did ${speed} tasks a second before the fault: too few to compare with`);
    speeds.set(worker.name, speed);
  }
  return speeds;
}

/**
 * Waits until every living worker does tasks at full speed: beside a backlog half of what it did before the fault, less for
 * slots that have long tasks; without one its part of the load.
 * @param before undefined: all together do what is accepted
 * @returns since when they have, from `sinceMs` on, in ms since 1970
 */
export async function atFullSpeed(
  system: System,
  sinceMs: number,
  limitSeconds: number,
  before?: Speeds,
): Promise<number> {
  const { ledger, journal } = system;
  const living = system.workers.filter(({ alive }) => alive);
  /** When there was no backlog for the last time. */
  let emptyMs = sinceMs;
  const look = async (): Promise<number | false> => {
    const toMs = Date.now();
    const fromMs = toMs - WINDOW_MS;
    if ((await ledger.waiting()) < LEAST_WAITING) emptyMs = toMs;
    if (fromMs < sinceMs) return false;
    const backlog = emptyMs <= fromMs;
    const [effects, occupied] = await Promise.all([ledger.effectsByWorker(fromMs, toMs), ledger.occupied(fromMs)]);
    for (const worker of living) {
      const id = await system.registrationOf(worker);
      const asBefore = (before?.get(worker.name) ?? 0) * LEAST_SHARE * (1 - (occupied.get(id) ?? 0));
      const least = backlog ? Math.max(asBefore, LEAST_PER_SECOND) : LEAST_PER_SECOND;
      if (((effects.get(id) ?? 0) * 1_000) / WINDOW_MS < least) return false;
    }
    const all = [...effects.values()].reduce((sum, each) => sum + each, 0);
    if (backlog && before === undefined && all < journal.acknowledgedBetween(fromMs, toMs)) return false;
    return fromMs;
  };
  // Nobody is at full speed while the ledger does not answer, or a worker is not registered.
  return waitUntil('every worker is at full speed again', () => look().catch(() => false as const), {
    limitSeconds,
    everyMilliseconds: 100,
  });
}
