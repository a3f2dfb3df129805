import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import type { Load } from '../system/load';
import { otherBuild } from '../system/other-build';
import { notePruned } from '../system/pruned';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { allOf, BETWEEN_CALLS_MS, CALLERS, checkOnce, HELD_MS, PROBE, PRUNED_SECONDS } from './under-one-key';
import type { Key } from './under-one-key';
import { replaced, underOneUniqueKey, untilStart } from './unique-key';

const REQUEST_ROUNDS = 3;
const UNIQUE_ROUNDS = 10;
const START_ROUNDS = 3;
const REPLACE_ROUNDS = 3;
/** Of each round's callers these ask for something else under the request key. */
const DEVIATING = 5;

/** The engine's own pruning, every second, of the tasks of keys as soon as they have ended; others stay for a day as ever. */
const PRUNES_AT_ONCE = [
  {
    file: 'process/engine.ts',
    from: '    trace: currentTrace,\n',
    to: '    trace: currentTrace,\n    retention: { doneSeconds: 0 },\n',
  },
  {
    file: 'tasks/maintaining/prune.sql',
    from: "when 'done' then $3::float8 when",
    to: `when 'done' then case t.payload ->> 'runMs' when '${HELD_MS}' then $3::float8 else 86400 end when`,
  },
  { file: 'tasks/maintaining/prune-chore.ts', from: 'const ROUND_SECONDS = 60;', to: 'const ROUND_SECONDS = 1;' },
  { file: 'tasks/maintaining/prune-chore.ts', from: 'const LOOK_SECONDS = 5;', to: 'const LOOK_SECONDS = 0.2;' },
];

/** Many callers who mean one task. */
export const oneKeyRows: readonly Row[] = [
  {
    id: 'P18',
    fault: `${CALLERS} callers accept under one uniqueKey / requestKey while it runs, ends, is pruned`,
    mustHold: 'one task at a time holds a unique key, one request key is one acceptance, no deadlock',
    system: { build: workersThatPrune() },
    run: async (trial, system) => {
      const deadlocksBefore = await deadlocks(system);
      const told = new Set<string>();
      const pruned = await notePruned(system.ledger);
      let caller: Load | undefined;
      await trial.disturb({
        begin: (load) => {
          caller = load;
          return Promise.resolve();
        },
        last: async () => {
          for (let round = 0; round < REQUEST_ROUNDS; round += 1) {
            const ids = await underOneRequestKey(trial, { load: caller!, pruned, key: `request-${round}` });
            for (const id of ids) told.add(id);
          }
          for (let round = 0; round < UNIQUE_ROUNDS; round += 1) {
            const ids = await underOneUniqueKey(trial, { load: caller!, pruned, key: `key-${round}` });
            for (const id of ids) told.add(id);
          }
          for (let round = 0; round < START_ROUNDS; round += 1) {
            const ids = await untilStart(trial, system, { load: caller!, pruned, key: `start-${round}` });
            for (const id of ids) told.add(id);
          }
          for (let round = 0; round < REPLACE_ROUNDS; round += 1) {
            const ids = await replaced(trial, system, { load: caller!, pruned, key: `replace-${round}` });
            for (const id of ids) told.add(id);
          }
        },
        goesOn: ['accepting', 'working'],
      });
      const all = await pruned();
      const untold = all.filter(({ uuid }) => !told.has(uuid));
      trial.check(untold.length === 0, `${untold.length} tasks of keys ran of which no caller was told`);
      trial.note(
        `${all.length} tasks of ${REQUEST_ROUNDS} request keys and ${UNIQUE_ROUNDS + START_ROUNDS + REPLACE_ROUNDS} unique keys were pruned`,
      );
      const found = (await deadlocks(system)) - deadlocksBefore;
      trial.check(found === 0, `PostgreSQL found ${found} deadlocks`);
    },
  },
];

/** All are answered with the same ids, before the tasks run, while they do, when they have ended and when they are gone. */
async function underOneRequestKey(trial: Trial, { load, pruned, key }: Key): Promise<string[]> {
  const answers = new Set<string>();
  const ids = new Set<string>();
  let gone = false;
  let refusals = 0;
  const untilMs = Date.now() + 2 * PRUNED_SECONDS * 1_000;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (Date.now() < untilMs) {
      const last = gone;
      const { status, taskIds } = await load.ask(
        { count: 2, runMs: HELD_MS, priority: 'high' },
        { 'idempotency-key': key },
      );
      if (status === 503) refusals += 1;
      else answers.add(`${status ?? 'nothing'} ${taskIds.join()}`);
      for (const id of taskIds) ids.add(id);
      if (last && status === 202) return 'told';
      await sleep(BETWEEN_CALLS_MS);
    }
    return 'refused';
  });
  // As soon as the key is known: while its tasks wait, run, have ended and are gone.
  const deviating = refuses(
    trial,
    { load, key },
    () => ids.size > 0,
    () => gone,
  );
  await waitUntil(`the tasks of ${key} are pruned`, async () => ids.size > 0 && allOf(ids, await pruned()), {
    limitSeconds: PRUNED_SECONDS,
    everyMilliseconds: 100,
  });
  gone = true;
  const ends = await Promise.all(callers);
  await deviating;
  const [first] = answers;
  const same = answers.size === 1 && first?.startsWith('202 ') === true;
  trial.check(same, `${key} was answered ${[...answers].join(' and ')}`);
  const told = ends.filter((end) => end === 'told').length;
  trial.check(told === CALLERS, `when the tasks of ${key} were gone only ${told} callers were answered`);
  if (refusals > 0) trial.note(`under ${key} callers were answered 503 ${refusals} times`);
  checkOnce(
    trial,
    key,
    (await pruned()).filter(({ uuid }) => ids.has(uuid)),
  );
  return [...ids];
}

/** Callers who ask for something else under a request key are refused, whatever has become of its tasks. */
async function refuses(
  trial: Trial,
  { load, key }: Pick<Key, 'load' | 'key'>,
  known: () => boolean,
  over: () => boolean,
): Promise<void> {
  const untilMs = Date.now() + 2 * PRUNED_SECONDS * 1_000;
  const callers = Array.from({ length: DEVIATING }, async () => {
    while (Date.now() < untilMs) {
      await sleep(BETWEEN_CALLS_MS);
      if (!known()) continue;
      const last = over();
      const { status } = await load.ask({ ...PROBE, count: 3 }, { 'idempotency-key': key });
      trial.check(status === 422 || status === 503, `another request under ${key} was answered ${status ?? 'nothing'}`);
      if (last && status === 422) return true;
    }
    return false;
  });
  const told = (await Promise.all(callers)).filter(Boolean).length;
  trial.check(
    told === DEVIATING,
    `when the tasks of ${key} were gone only ${told} other requests were refused with 422`,
  );
}

function workersThatPrune(): (process: string) => string | undefined {
  let folder: string | undefined;
  return (process) => (process.startsWith('worker') ? (folder ??= otherBuild(PRUNES_AT_ONCE)) : undefined);
}

async function deadlocks(system: System): Promise<number> {
  const [answer] = await system.ledger.rows<{ found: number }>(
    'select deadlocks::int as found from pg_stat_database where datname = current_database()',
  );
  return answer!.found;
}
