import { waitUntil } from '../../../app/local/servers/wait-until';
import { PACE } from '../inject';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { idsIn, statesOf } from './redis-lists';

/** Most seconds until the lists are full of waiting tasks again, and every worker takes from them. */
const HANDED_OVER_SECONDS = 10;
/** Done before the lists are filled, at most: two workers with 20 slots each do 2,000 tasks of 20 ms a second. */
const DONE_BEFORE = 10_000;
/** So few that web's statement_timeout of 3 s is far off. */
const PER_REQUEST = 2_000;
/** Ids that a list holds at most, the engine's default; the relay keeps one that overflows more than half full. */
const WINDOW = 10_000;
const HALF_A_WINDOW = WINDOW / 2;
/** What two workers do on a slow machine. */
const SLOWEST_PER_SECOND = 100;

/** How Redis loses what it holds, or is replaced by one that holds something older, while tens of thousands of tasks wait. */
export interface Loss {
  /** Tasks that wait when it happens, at least; more than the lists hold. @default 20,000 */
  readonly outstanding?: number;
  /** Keeps the state that comes back later. From then on work goes on until that is out of date. */
  readonly keep?: () => Promise<unknown>;
  readonly lose: () => Promise<unknown>;
}

/**
 * How long it takes from the loss until the lists are full of tasks that wait and every worker takes some from them. There
 * are too many for the workers to have done them from PostgreSQL by then, so only the relay can have filled the lists.
 */
export async function handedOverAgain(
  trial: Trial,
  system: System,
  { outstanding = 20_000, keep, lose }: Loss,
): Promise<void> {
  const startedMs = Date.now();
  const load = system.startLoad(PACE);
  await setQueue(system, 'pause');
  const posts = outstanding + DONE_BEFORE + (keep === undefined ? 0 : WINDOW);
  for (let posted = 0; posted < posts; posted += PER_REQUEST) await trial.post(load, { count: PER_REQUEST, runMs: 20 });
  await setQueue(system, 'resume');
  await listsAreFilled(system);
  if (keep !== undefined) {
    await keep();
    await goesOutOfDate(system, await idsIn(system.redis));
  }
  const waiting = await system.ledger.unfinished();
  if (waiting < outstanding) throw new Error(`only ${waiting} tasks waited, a test takes ${outstanding}`);
  const fromMs = Date.now();
  await lose();
  await listsAreFilled(system);
  await system.takeFromRedis(4 * HANDED_OVER_SECONDS);
  trial.recoveredAfter((Date.now() - fromMs) / 1_000, HANDED_OVER_SECONDS, 'fault');
  trial.note(`${waiting} tasks waited at the loss, ${await system.ledger.unfinished()} when all was handed over again`);
  await load.stop();
  trial.checkAnswers('while tens of thousands of tasks waited', [startedMs, Date.now()]);
  await trial.drain(waiting);
  await trial.nobodyStoodIdle(fromMs);
}

async function setQueue(system: System, action: 'pause' | 'resume'): Promise<void> {
  const { status, body } = await system.client.post(`/api/queues/probes/${action}`, {});
  if (status !== 204) throw new Error(`POST /api/queues/probes/${action} was answered ${status}: ${body}`);
}

async function listsAreFilled(system: System): Promise<void> {
  await waitUntil(
    'the lists are full of tasks that wait',
    async () => {
      // It may be starting.
      const ids = await idsIn(system.redis).catch(() => []);
      return ids.length > HALF_A_WINDOW && (await statesOf(system.ledger, ids)).waiting > HALF_A_WINDOW;
    },
    { limitSeconds: 4 * HANDED_OVER_SECONDS, everyMilliseconds: 50 },
  );
}

/** Waits until lists with these ids would be far from full of tasks that wait. */
async function goesOutOfDate(system: System, ids: readonly string[]): Promise<void> {
  await waitUntil(
    'most of what is kept has been done',
    async () => (await statesOf(system.ledger, ids)).waiting < HALF_A_WINDOW / 2,
    { limitSeconds: WINDOW / SLOWEST_PER_SECOND, everyMilliseconds: 250 },
  );
}
