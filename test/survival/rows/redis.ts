import { waitUntil } from '../../../app/local/servers/wait-until';
import { signal } from '../../../app/local/servers/process-table';
import { PACE } from '../inject';
import type { Row } from '../row';
import type { Trial } from '../trial';
import type { System } from '../system/system';
import { handedOverAgain } from './handed-over';
import { requireProcess } from './redis-lists';

const FLUSHING_SECONDS = 10;
/** Until workers are seen to go on from PostgreSQL, and from the lists again. */
const NOTICED_SECONDS = 20;
const LONG_OUTAGE_SECONDS = 60;
/** Tasks that wait when Redis is emptied. */
const OUTSTANDING = 50_000;
/** For work that goes on through the whole of an outage. */
export const GOES_ON = { goesOn: ['accepting', 'working'] } as const;

export const redisRows: readonly Row[] = [
  {
    id: 'R1',
    fault: 'Redis SIGKILL, restarts empty',
    mustHold: 'everything outstanding is handed over again without anyone acting',
    run: async (trial, system) => {
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await system.servers.queue.kill();
        },
        last: (fromMs) => trial.lasts(10, fromMs),
        heal: () => system.servers.queue.restart(),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
    long: (trial, system) =>
      handedOverAgain(trial, system, {
        lose: async () => {
          await system.servers.queue.kill();
          await system.servers.queue.restart();
        },
      }),
  },
  {
    id: 'R2',
    fault: 'FLUSHALL under load',
    mustHold: 'everything outstanding is handed over again without anyone acting',
    run: async (trial, system) => {
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await system.redis.flushall();
        },
        last: (fromMs) =>
          trial.lasts(FLUSHING_SECONDS, fromMs, async () => {
            if (trial.random() < 0.4) await system.redis.flushall();
          }),
        heal: () => Promise.resolve(),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
    long: (trial, system) =>
      handedOverAgain(trial, system, { outstanding: OUTSTANDING, lose: () => system.redis.flushall() }),
  },
  {
    id: 'R6',
    fault: 'Redis frozen 60 s, Redis gone 60 s',
    mustHold: 'web keeps accepting (202) and workers keep working from Postgres; back to lists by themselves',
    run: async (trial, system) => {
      await trial.disturb({
        begin: () => freeze(system),
        last: (fromMs) => outage(trial, system, fromMs),
        heal: () => thaw(system),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
      await trial.disturb({
        begin: () => system.servers.queue.kill(),
        last: (fromMs) => outage(trial, system, fromMs),
        heal: () => system.servers.queue.restart(),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
  },
];

/** Otherwise there is nothing to lose. */
export async function holdsSome(trial: Trial, system: System): Promise<void> {
  const ids = await system.idsInRedis();
  trial.check(ids > 0, 'Redis held no ids at the fault');
  trial.note(`${ids} ids in Redis at the fault`);
}

/** Workers are back at the lists: they claim from them, and `GET /api/queues` shows it. */
export async function drawnAgain(trial: Trial, system: System): Promise<void> {
  const fromMs = Date.now();
  const load = system.startLoad(PACE);
  await Promise.all([system.takeFromRedis(NOTICED_SECONDS), system.drawFromRedis(NOTICED_SECONDS)]).catch(
    (error: unknown) => trial.broken.push(String(error)),
  );
  await load.stop();
  await trial.drain();
  trial.note(`claimed from Redis again ${((Date.now() - fromMs) / 1_000).toFixed(1)} s after the drain`);
}

async function outage(trial: Trial, system: System, fromMs: number): Promise<void> {
  await waitUntil('workers draw from PostgreSQL', () => system.drawsFrom('postgres'), {
    limitSeconds: NOTICED_SECONDS,
    everyMilliseconds: 250,
  });
  await trial.lasts(LONG_OUTAGE_SECONDS, fromMs);
}

export function freeze(system: System): Promise<void> {
  requireProcess(system);
  signal(system.servers.queue.pid, 'SIGSTOP');
  return Promise.resolve();
}

export function thaw(system: System): Promise<void> {
  signal(system.servers.queue.pid, 'SIGCONT');
  return Promise.resolve();
}
