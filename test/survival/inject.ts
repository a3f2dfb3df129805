import { waitUntil } from '../../app/local/servers/wait-until';
import { measureSpeeds } from './full-speed';
import type { Speeds } from './full-speed';
import type { Load, Pace } from './system/load';
import type { System } from './system/system';

const PLAIN = { count: 10, runMs: 20 } as const;
/**
 * Goes on until after the healing: 200 probes a second in 20 requests. Most end with an effect in a transaction of their
 * own, two of five in batches.
 */
export const PACE: Pace = {
  requestsPerSecond: 20,
  request: [PLAIN, { ...PLAIN, leaves: 'nothing' }, PLAIN, { ...PLAIN, leaves: 'result' }, PLAIN],
};
/** Beside it before the fault, twice, for the workers' speed and for a backlog: each some four seconds of work for both. */
export const BURST = { count: 4_000, runMs: 40 };
const LEAST_BACKLOG = 1_000;
/** Of the 20 that a worker runs at once. */
const LEAST_RUNNING = 10;
/** By then both workers have had tasks of the load from Redis. */
export const WARM_SECONDS = 15;
/** The burst is dispatched within milliseconds and lasts longer than this. */
const BUSY_SECONDS = 2;

export interface Injected {
  /** Still running; to be stopped after the healing. */
  readonly load: Load;
  /** When the fault began to come, in ms since 1970. */
  readonly beganMs: number;
  /** When it was there, in ms since 1970. */
  readonly atMs: number;
  /** How many tasks were acknowledged and unfinished at that moment, or shortly after. */
  readonly backlog: number;
  /** Of the workers, before the fault. */
  readonly speeds: Speeds;
}

/**
 * Brings a fault over a system that works at a steady pace and draws its tasks from Redis.
 * @param ledgerGone whether the ledger cannot be asked any more once the fault is there
 * @throws when fewer than 1,000 tasks were acknowledged and unfinished at that moment: the fault would prove little.
 */
export async function injectUnderLoad(
  system: System,
  fault: (load: Load) => Promise<unknown>,
  { ledgerGone = false }: { readonly ledgerGone?: boolean } = {},
): Promise<Injected> {
  const load = system.startLoad(PACE);
  await system.takeFromRedis(WARM_SECONDS);
  await load.post(BURST);
  const speeds = await measureSpeeds(system);
  await load.post(BURST);
  const told = system.journal.taskIds();
  await waitUntil('both workers are busy and Redis holds more for them', () => isBusy(system), {
    limitSeconds: BUSY_SECONDS,
    everyMilliseconds: 5,
  });
  const before = ledgerGone ? await system.ledger.unfinished(told) : undefined;
  const beganMs = Date.now();
  await fault(load);
  const atMs = Date.now();
  // Counted after the fault where that can be: at the fault it was this many or more.
  const backlog = before ?? (await system.ledger.unfinished(told));
  if (backlog < LEAST_BACKLOG) throw new Error(`only ${backlog} tasks were unfinished at the fault; a test takes 1000`);
  return { load, beganMs, atMs, backlog, speeds };
}

async function isBusy(system: System): Promise<boolean> {
  const registrations = await Promise.all(system.workers.map((worker) => system.registrationOf(worker)));
  const running = await Promise.all(registrations.map((worker) => system.ledger.runningOn(worker)));
  return running.every(({ length }) => length >= LEAST_RUNNING) && (await system.idsInRedis()) > 0;
}
