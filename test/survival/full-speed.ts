import { waitUntil } from '../../app/local/servers/wait-until';
import type { System } from './system/system';

/** Over which a worker's speed is taken. */
const WINDOW_MS = 2_000;
/** Of one worker, in effects a second: a quarter of its share of the load, which is 200 tasks a second for two. */
const LEAST_PER_SECOND = 25;

/**
 * Waits until every living worker does tasks at full speed.
 * @returns since when they have, from `sinceMs` on, in ms since 1970
 */
export async function atFullSpeed(system: System, sinceMs: number, limitSeconds: number): Promise<number> {
  const living = system.workers.filter(({ alive }) => alive);
  return waitUntil(
    'every worker is at full speed again',
    async () => {
      const toMs = Date.now();
      const fromMs = toMs - WINDOW_MS;
      if (fromMs < sinceMs) return false;
      const effects = await system.ledger.effectsByWorker(fromMs, toMs).catch(() => new Map<string, number>());
      const registrations = await Promise.all(
        living.map((worker) => system.registrationOf(worker).catch(() => undefined)),
      );
      const least = (LEAST_PER_SECOND * WINDOW_MS) / 1_000;
      return registrations.every((id) => id !== undefined && (effects.get(id) ?? 0) >= least) && fromMs;
    },
    { limitSeconds, everyMilliseconds: 100 },
  );
}
