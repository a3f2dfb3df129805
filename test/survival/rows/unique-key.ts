import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Load, ProbeRequest } from '../system/load';
import type { Pruned } from '../system/pruned';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { allOf, BETWEEN_CALLS_MS, CALLERS, checkOnce, PROBE, PRUNED_SECONDS } from './under-one-key';
import type { Key } from './under-one-key';

/** Tasks of one unique key that have been pruned, while its callers go on. */
const HOLDERS = 3;
/** Of the callers of a key that is held until the start of its task. */
const START_SECONDS = 3;
/** Some seconds after the last caller has come, and sooner than that. */
const [LATER, SOON] = [20, 2];

/** Callers come all the time while its task waits, runs, ends and is pruned; as soon as it has ended another may hold the key. */
export async function underOneUniqueKey(trial: Trial, { load, pruned, key }: Key): Promise<string[]> {
  const ids = new Set<string>();
  let gone = 0;
  let refusals = 0;
  const untilMs = Date.now() + PRUNED_SECONDS * 1_000;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (gone < HOLDERS && Date.now() < untilMs) {
      const { status, taskIds } = await load.ask({ ...PROBE, uniqueKey: { key, until: 'finish' } });
      const refused = status === 503;
      if (refused) refusals += 1;
      trial.check(refused || (status === 202 && taskIds.length === 1), `a caller was answered ${status ?? 'nothing'}`);
      for (const id of taskIds) ids.add(id);
      await sleep(BETWEEN_CALLS_MS);
    }
  });
  const ofKey = (): Promise<Pruned[]> => prunedOf({ pruned, key });
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

/** The key is free as soon as its task runs: never two wait for a worker, and callers who come meanwhile get another one. */
export async function untilStart(trial: Trial, system: System, { load, pruned, key }: Key): Promise<string[]> {
  const ids = new Set<string>();
  let over = false;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (!over) {
      await sleep(BETWEEN_CALLS_MS);
      const { status, taskIds } = await load.ask({ ...PROBE, uniqueKey: { key, until: 'start' } });
      trial.check(status === 202 || status === 503, `a caller was answered ${status ?? 'nothing'}`);
      for (const id of taskIds) ids.add(id);
    }
  });
  const called = Promise.all(callers);
  let most = 0;
  for (const untilMs = Date.now() + START_SECONDS * 1_000; Date.now() < untilMs;) {
    await sleep(20);
    const [answer] = await system.ledger.rows<{ waiting: number }>(
      `select count(*)::int as waiting from holdfast.task
       where unique_key = $1 and finished_at is null and state in ('waiting', 'queued')`,
      [key],
    );
    most = Math.max(most, answer!.waiting);
  }
  over = true;
  await called;
  const ofKey = (): Promise<Pruned[]> => prunedOf({ pruned, key });
  await waitUntil(`every task of ${key} is pruned`, async () => allOf(ids, await ofKey()), {
    limitSeconds: PRUNED_SECONDS,
    everyMilliseconds: 100,
  });
  const ends = (await ofKey()).sort((a, b) => a.startedMs - b.startedMs);
  const together = ends.filter(({ startedMs }, i) => i > 0 && startedMs < ends[i - 1]!.finishedMs).length;
  trial.check(most <= 1, `${most} tasks waited under ${key}`);
  trial.check(together > 0, `${key} was held until the end of its task, not until its start`);
  checkOnce(trial, key, ends);
  trial.check(ends.length === ids.size, `${ends.length} tasks held ${key}, ${ids.size} ids were answered`);
  return [...ids];
}

/** A task that has not started becomes what the last caller asked for; it stays one task. */
export async function replaced(trial: Trial, system: System, { load, pruned, key }: Key): Promise<string[]> {
  const uniqueKey = { key, replace: true } as const;
  const earlier = await Promise.all(
    Array.from({ length: CALLERS }, () => accepted(load, { ...PROBE, failTimes: 1, delaySeconds: LATER, uniqueKey })),
  );
  const askedMs = Date.now();
  const last = await accepted(load, { ...PROBE, delaySeconds: SOON, uniqueKey });
  const ids = new Set([...earlier, last]);
  trial.check(ids.size === 1, `callers who replace the task of ${key} were told of ${ids.size}`);
  const [task] = await system.ledger.rows<{ failTimes: string; dueMs: number }>(
    `select payload ->> 'failTimes' as "failTimes", (extract(epoch from run_at) * 1000)::float8 as "dueMs"
     from holdfast.task where uuid = $1`,
    [last],
  );
  const soon = task !== undefined && task.dueMs < askedMs + (LATER / 2) * 1_000;
  trial.check(soon && task.failTimes === '0', `the task of ${key} is not what was asked for last`);
  await waitUntil(`the task of ${key} is pruned`, async () => allOf(ids, await pruned()), {
    limitSeconds: PRUNED_SECONDS,
    everyMilliseconds: 100,
  });
  checkOnce(
    trial,
    key,
    (await pruned()).filter(({ uuid }) => ids.has(uuid)),
  );
  return [...ids];
}

/** The tasks of one unique key. */
async function prunedOf({ pruned, key }: Pick<Key, 'pruned' | 'key'>): Promise<Pruned[]> {
  return (await pruned()).filter(({ uniqueKey }) => uniqueKey === key);
}

/** @returns the id of the task under the key; callers who are refused for now come again. */
async function accepted(load: Load, probes: ProbeRequest): Promise<string> {
  return waitUntil(
    'a caller under a unique key is answered 202',
    async () => {
      const { status, taskIds } = await load.ask(probes);
      return status === 202 && taskIds[0]!;
    },
    { limitSeconds: PRUNED_SECONDS, everyMilliseconds: BETWEEN_CALLS_MS },
  );
}
