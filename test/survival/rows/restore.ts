import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { BURST, PACE, WARM_SECONDS } from '../inject';
import type { Row } from '../row';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import { RECOVERY_SECONDS } from '../trial';
import type { Trial } from '../trial';

const LEAST_BACKLOG = 1_000;
const CALLS = { count: 10, runMs: 0, outcome: 'external', onUnknown: 'repeat' } as const;
const FIRST = { ...CALLS, priority: 'high' } as const;
/** The tasks before them take some seconds. */
const CALLED_SECONDS = 30;
const KEYED = { count: 3, runMs: 7 };
const OTHER = { ...KEYED, count: KEYED.count + 1 };
/** Request keys, named after when they were first used. */
const [BEFORE, BETWEEN] = ['before-the-backup', 'between-backup-and-restore'];

/** A disaster, and what the documentation says to do then. */
export const restoreRows: readonly Row[] = [
  {
    id: 'D9',
    fault: 'restore of an earlier backup while Redis is newer',
    mustHold: 'no foreign id runs, no key collides',
    run: async (trial, system) => {
      const load = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      const kept = await trial.postUntilAnswered(load, KEYED, BEFORE);
      const called = await trial.post(load, FIRST);
      await areCalled(system, called);
      await load.post(BURST);
      const again = await trial.post(load, CALLS);
      await load.stop();
      await stopAll(system);
      const backup = await system.backUp();
      const atBackup = new Set(system.journal.taskIds());
      const epoch = await epochOf(system);
      trial.note(`${await system.ledger.unfinished()} of ${atBackup.size} tasks were unfinished at the backup`);

      await startAll(system);
      const later = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      await trial.postUntilAnswered(later, KEYED, BETWEEN);
      await areCalled(system, [...again, ...(await trial.post(later, FIRST))]);
      await later.post(BURST);
      await later.post({ ...BURST, runMs: 500 });
      await later.stop();
      await Promise.all(system.processes.map((process) => process.kill()));
      const lists = await listsUnder(system, epoch);
      const newer = await system.idsInRedis();
      trial.check(newer > 0, 'Redis held no ids that are newer than the backup');
      // What was accepted after the backup is what such a restore costs.
      const lost = system.journal.taskIds().filter((id) => !atBackup.has(id));
      trial.forget(lost);
      const callsBefore = system.receiver.calls.length;

      await system.restore(backup);
      await system.migrate(true);
      const restored = await system.ledger.unfinished();
      trial.check(restored >= LEAST_BACKLOG, `only ${restored} tasks were unfinished in the restored ledger`);
      const newEpoch = await epochOf(system);
      trial.check(newEpoch !== epoch, `the epoch is ${epoch} as before the restore`);
      await startAll(system);
      const restoredMs = Date.now();
      const after = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      await after.post(BURST);
      await holdsIdsUnder(system, newEpoch);
      const anew = await trial.post(after, FIRST);
      await requestKeys(trial, after, { kept, lost });
      await trial.everybodyWorks(restoredMs, RECOVERY_SECONDS);
      await sleep(5_000);
      await after.stop();
      await trial.drain();
      await trial.nobodyStoodIdle(restoredMs);
      const untouched = JSON.stringify(await listsUnder(system, epoch)) === JSON.stringify(lists);
      trial.check(untouched, 'the lists under the old epoch are not what they were at the restore');
      keysOutside(trial, system, { callsBefore, called, again, lost, anew });
      system.receiver.forget(lost);
      trial.note(
        `${newer} newer ids in Redis, ${restored} unfinished tasks in the restored ledger, ${lost.length} forgotten`,
      );
    },
  },
];

async function stopAll(system: System): Promise<void> {
  await Promise.all(system.processes.map((process) => process.stop()));
}

async function startAll(system: System): Promise<void> {
  await Promise.all(system.processes.map((process) => process.start()));
}

async function epochOf(system: System): Promise<string> {
  const [ledger] = await system.ledger.rows<{ epoch: string }>('select epoch from holdfast.ledger');
  return ledger!.epoch;
}

/** Each list of this epoch with its ids. */
async function listsUnder(system: System, epoch: string): Promise<[string, string[]][]> {
  const lists = (await system.lists()).filter((list) => list.startsWith(`{holdfast:${epoch}}:`)).sort();
  return Promise.all(
    lists.map(async (list): Promise<[string, string[]]> => [list, await system.redis.lrange(list, 0, -1)]),
  );
}

async function holdsIdsUnder(system: System, epoch: string): Promise<void> {
  await waitUntil('Redis holds ids under the new epoch', async () => (await listsUnder(system, epoch)).length > 0, {
    limitSeconds: WARM_SECONDS,
    everyMilliseconds: 5,
  });
}

async function areCalled(system: System, ids: readonly string[]): Promise<void> {
  await waitUntil('the receiver has every call', () => ids.every((id) => system.receiver.callsUnder(keyOf(id)) > 0), {
    limitSeconds: CALLED_SECONDS,
  });
}

/** Under which a probe calls outside. */
function keyOf(taskId: string): string {
  return `${taskId}:probe`;
}

/** What the backup knows of a key holds on; of one that is younger nobody knows any more, and its request is accepted anew. */
async function requestKeys(
  trial: Trial,
  load: Load,
  { kept, lost }: { readonly kept: readonly string[]; readonly lost: readonly string[] },
): Promise<void> {
  const same = await load.ask(KEYED, { 'idempotency-key': BEFORE });
  trial.check(
    same.status === 202 && same.taskIds.join() === kept.join(),
    `under the key ${BEFORE} ${kept.join()} were acknowledged, after the restore ${same.status ?? 'nothing'} ${same.taskIds.join()}`,
  );
  const other = await load.ask(OTHER, { 'idempotency-key': BEFORE });
  trial.check(
    other.status === 422,
    `another request under the key ${BEFORE} was answered ${other.status ?? 'nothing'}`,
  );
  const anew = await trial.postUntilAnswered(load, KEYED, BETWEEN);
  const foreign = anew.filter((id) => lost.includes(id));
  trial.check(foreign.length === 0, `under the key ${BETWEEN} ${foreign.length} tasks were told that are lost`);
}

interface CallsOf {
  /** How many calls the receiver had at the restore. */
  readonly callsBefore: number;
  /** Done at the backup. */
  readonly called: readonly string[];
  /** Unfinished at the backup, and called before the restore. */
  readonly again: readonly string[];
  /** Accepted after the backup. */
  readonly lost: readonly string[];
  /** Accepted after the restore. */
  readonly anew: readonly string[];
}

/** Whether a key that the receiver had before the restore stands for the same task after it. */
function keysOutside(trial: Trial, system: System, { callsBefore, called, again, lost, anew }: CallsOf): void {
  const { receiver } = system;
  const [before, after] = [receiver.calls.slice(0, callsBefore), receiver.calls.slice(callsBefore)];
  const known = new Set(before.map(({ key }) => key));
  const theirs = new Set(again.map(keyOf));
  const collisions = after.filter(({ key }) => known.has(key) && !theirs.has(key));
  trial.check(collisions.length === 0, `${collisions.length} calls after the restore came under keys of other tasks`);
  const repeated = again.filter((id) => after.some(({ key }) => key === keyOf(id)));
  trial.check(
    repeated.length === again.length,
    `${repeated.length} of ${again.length} tasks whose call the restored ledger does not know called again under its key`,
  );
  const one = [...called, ...anew].filter((id) => receiver.callsUnder(keyOf(id)) !== 1);
  trial.check(one.length === 0, `${one.length} tasks did not call outside exactly once`);
  const gone = before.filter(({ key }) => lost.some((id) => key === keyOf(id)));
  trial.note(
    `${gone.length} calls of tasks that are lost, ${repeated.length} calls repeated under their key, ${anew.length} new ones`,
  );
}
