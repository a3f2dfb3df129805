import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import type { Load } from '../system/load';
import { otherBuild } from '../system/other-build';
import { notePruned } from '../system/pruned';
import type { Pruned } from '../system/pruned';
import type { System } from '../system/system';
import type { Trial } from '../trial';

const CALLERS = 50;
/** Of one caller: together they ask some 100 times a second. Those of one key wait for each other, and others need connections too. */
const BETWEEN_CALLS_MS = 500;
/** Tells the tasks of keys from all others; callers come before, while and after they run. */
const HELD_MS = 301;
const REQUEST_ROUNDS = 3;
const UNIQUE_ROUNDS = 10;
/** Tasks of one unique key that have been pruned, while its callers go on. */
const HOLDERS = 3;
const PRUNED_SECONDS = 30;

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
        },
        goesOn: ['accepting', 'working'],
      });
      const all = await pruned();
      const untold = all.filter(({ uuid }) => !told.has(uuid));
      trial.check(untold.length === 0, `${untold.length} tasks of keys ran of which no caller was told`);
      trial.note(`${all.length} tasks of ${REQUEST_ROUNDS} request keys and ${UNIQUE_ROUNDS} unique keys were pruned`);
      const found = (await deadlocks(system)) - deadlocksBefore;
      trial.check(found === 0, `PostgreSQL found ${found} deadlocks`);
    },
  },
];

interface Key {
  readonly load: Load;
  /** The tasks that have been pruned, of all keys. */
  readonly pruned: () => Promise<Pruned[]>;
  readonly key: string;
}

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
  await waitUntil(`the tasks of ${key} are pruned`, async () => ids.size > 0 && allOf(ids, await pruned()), {
    limitSeconds: PRUNED_SECONDS,
    everyMilliseconds: 100,
  });
  gone = true;
  const ends = await Promise.all(callers);
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

/** Callers come all the time while its task waits, runs, ends and is pruned; as soon as it has ended another may hold the key. */
async function underOneUniqueKey(trial: Trial, { load, pruned, key }: Key): Promise<string[]> {
  const ids = new Set<string>();
  let gone = 0;
  let refusals = 0;
  const untilMs = Date.now() + PRUNED_SECONDS * 1_000;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (gone < HOLDERS && Date.now() < untilMs) {
      const { status, taskIds } = await load.ask({
        ...{ count: 1, runMs: HELD_MS, priority: 'high', uniqueKey: { key, until: 'finish' } },
      });
      const refused = status === 503;
      if (refused) refusals += 1;
      trial.check(refused || (status === 202 && taskIds.length === 1), `a caller was answered ${status ?? 'nothing'}`);
      for (const id of taskIds) ids.add(id);
      await sleep(BETWEEN_CALLS_MS);
    }
  });
  const ofKey = async (): Promise<Pruned[]> => (await pruned()).filter(({ uniqueKey }) => uniqueKey === key);
  const called = Promise.all(callers).then(() => true);
  while (!(await Promise.race([called, sleep(100, false)]))) gone = (await ofKey()).length;
  await waitUntil(`every holder of ${key} has ended and is pruned`, async () => allOf(ids, await ofKey()), {
    limitSeconds: PRUNED_SECONDS,
    everyMilliseconds: 100,
  });
  const ends = (await ofKey()).sort((a, b) => a.startedMs - b.startedMs);
  const overlaps = ends.filter(({ startedMs }, i) => i > 0 && startedMs < ends[i - 1]!.finishedMs);
  trial.check(overlaps.length === 0, `${overlaps.length} tasks ran while another held ${key}`);
  checkOnce(trial, key, ends);
  trial.check(gone >= HOLDERS, `${gone} holders of ${key} were pruned while callers came`);
  trial.check(ends.length === ids.size, `${ends.length} tasks held ${key}, ${ids.size} ids were answered`);
  if (refusals > 0) trial.note(`under ${key} callers were answered 503 ${refusals} times`);
  return [...ids];
}

function allOf(ids: ReadonlySet<string>, pruned: readonly Pruned[]): boolean {
  const gone = new Set(pruned.map(({ uuid }) => uuid));
  return [...ids].every((id) => gone.has(id));
}

function checkOnce(trial: Trial, key: string, ends: readonly Pruned[]): void {
  const wrong = ends.filter(({ state, effects }) => state !== 'done' || effects !== 1);
  trial.check(wrong.length === 0, `${wrong.length} tasks of ${key} are not done with exactly one effect`);
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
