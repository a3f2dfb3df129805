import { waitUntil } from '../../../app/local/servers/wait-until';
import { signal } from '../../../app/local/servers/process-table';
import { PACE } from '../inject';
import type { Row } from '../row';
import type { Trial } from '../trial';
import type { System } from '../system/system';

const FLUSHING_SECONDS = 10;
/** Until workers are seen to go on from PostgreSQL, and from the lists again. */
const NOTICED_SECONDS = 20;
const LONG_OUTAGE_SECONDS = 60;
/** Tasks that wait when Redis is emptied, and the most seconds until the workers draw them from its lists again. */
const OUTSTANDING = 50_000;
const HANDED_OVER_SECONDS = 10;
/** Done before the lists are filled, at most: two workers with 20 slots each do 2,000 tasks of 20 ms a second. */
const DONE_BEFORE = 10_000;
/** So few that web's statement_timeout of 3 s is far off. */
const PER_REQUEST = 2_000;
/** The relay keeps a lane that overflows more than half full (app/src/tasks/README.md, `window`). */
const HALF_A_WINDOW = 5_000;
/** Of GET /metrics (app/src/metrics/engine-metrics.ts). */
const CLAIMED_FROM_REDIS = 'holdfast_engine_claimed_from_redis_total';
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
    long: emptiedUnderBacklog,
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

/** Workers are back at the lists, as `GET /api/queues` shows it. */
export async function drawnAgain(trial: Trial, system: System): Promise<void> {
  const fromMs = Date.now();
  const load = system.startLoad(PACE);
  await system.drawFromRedis(NOTICED_SECONDS).catch((error: unknown) => trial.broken.push(String(error)));
  await load.stop();
  await trial.drain();
  trial.note(`shown drawing from Redis ${((Date.now() - fromMs) / 1_000).toFixed(1)} s after the drain`);
}

/** How long it takes until the lists are filled again and every worker takes tasks from them. */
async function emptiedUnderBacklog(trial: Trial, system: System): Promise<void> {
  const load = system.startLoad(PACE);
  await setQueue(system, 'pause');
  for (let posted = 0; posted < OUTSTANDING + DONE_BEFORE; posted += PER_REQUEST)
    await trial.post(load, { count: PER_REQUEST, runMs: 20 });
  await setQueue(system, 'resume');
  await listsAreFilled(system);
  const outstanding = await system.ledger.unfinished();
  if (outstanding < OUTSTANDING) throw new Error(`only ${outstanding} tasks waited, a test takes ${OUTSTANDING}`);
  await holdsSome(trial, system);
  const fromMs = Date.now();
  await system.redis.flushall();
  await listsAreFilled(system);
  await everybodyTakesFromRedis(system);
  trial.recoveredAfter((Date.now() - fromMs) / 1_000, HANDED_OVER_SECONDS);
  trial.note(`${outstanding} tasks outstanding when Redis was emptied`);
  await load.stop();
  await trial.drain(outstanding);
}

async function setQueue(system: System, action: 'pause' | 'resume'): Promise<void> {
  const { status, body } = await system.client.post(`/api/queues/probes/${action}`, {});
  if (status !== 204) throw new Error(`POST /api/queues/probes/${action} was answered ${status}: ${body}`);
}

async function listsAreFilled(system: System): Promise<void> {
  await waitUntil('the lists are filled', async () => (await system.idsInRedis()) > HALF_A_WINDOW, {
    limitSeconds: 4 * HANDED_OVER_SECONDS,
    everyMilliseconds: 20,
  });
}

/** Waits until each worker has claimed more from Redis than it had when this was called. */
async function everybodyTakesFromRedis({ workers }: System): Promise<void> {
  const claimed = (): Promise<number[]> => Promise.all(workers.map((worker) => worker.counter(CLAIMED_FROM_REDIS)));
  const before = await claimed();
  await waitUntil(
    'every worker claims tasks from Redis',
    async () => (await claimed()).every((count, i) => count > before[i]!),
    { limitSeconds: 4 * HANDED_OVER_SECONDS, everyMilliseconds: 50 },
  );
}

async function outage(trial: Trial, system: System, fromMs: number): Promise<void> {
  await waitUntil('workers draw from PostgreSQL', () => system.drawsFrom('postgres'), {
    limitSeconds: NOTICED_SECONDS,
    everyMilliseconds: 250,
  });
  await trial.lasts(LONG_OUTAGE_SECONDS, fromMs);
}

export function freeze(system: System): Promise<void> {
  if (system.servers.queue.container !== undefined) {
    throw new Error('This row freezes Redis by a signal, which needs redis-server or valkey-server on the PATH.');
  }
  signal(system.servers.queue.pid, 'SIGSTOP');
  return Promise.resolve();
}

export function thaw(system: System): Promise<void> {
  signal(system.servers.queue.pid, 'SIGCONT');
  return Promise.resolve();
}
