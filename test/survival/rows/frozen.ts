import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import type { AppProcess } from '../system/app-process';
import { holdEffects } from '../system/hold-effects';
import { POOL_SIZE } from '../system/process-environment';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { doneElsewhere, GRACE_SECONDS, LEASE_SECONDS, leftWith, runsSome } from './workers';

/** More than the connections of one worker, so that both are in the middle of some. */
const LEAST_HELD = POOL_SIZE + 5;

/** As many as both workers have slots; so long that others still run them when the frozen worker wakes up. */
const LONG = { count: 40, runMs: 4_000, priority: 'high' } as const;
/** Until a handler that slept so long has returned. */
const RETURNED_MS = LONG.runMs + 500;
/** Of the frozen worker's tasks that others run when it wakes up. */
const LEAST_TAKEN = 3;

/** Faults of a worker that stands still and wakes up. */
export const frozenRows: readonly Row[] = [
  {
    id: 'P4',
    fault: 'worker frozen (SIGSTOP) past its lease, then continued',
    mustHold: 'its late completion changes nothing',
    run: (trial, system) => wokenWorker(trial, system),
  },
  {
    id: 'P16',
    fault: 'worker frozen between the completing update and its COMMIT',
    mustHold: "others' reaping is not blocked; effect once",
    run: async (trial, system) => {
      const [victim] = system.workers;
      const registration = await system.registrationOf(victim);
      await trial.disturb({
        begin: async () => {
          const effects = await holdEffects(system.ledger);
          try {
            await effects.held(LEAST_HELD);
            await victim.freeze();
          } finally {
            await effects.release();
          }
        },
        last: async (fromMs) => {
          const open = await system.ledger.idleTransactions();
          const tasks = await leftWith(system, registration);
          trial.note(`${tasks.length} tasks ran on the frozen worker, ${open} transactions stood open`);
          trial.check(tasks.length > 0 && open > 0, 'nothing stood open when the worker froze');
          await waitUntil(
            'the frozen worker has lost its tasks',
            async () => (await system.ledger.runningOn(registration)).length === 0,
            { limitSeconds: 3 * LEASE_SECONDS, everyMilliseconds: 100 },
          );
          const seconds = (Date.now() - fromMs) / 1_000;
          trial.note(`they were taken from it after ${seconds.toFixed(1)} s`);
          trial.recoveredAfter(seconds, LEASE_SECONDS + GRACE_SECONDS, 'fault');
          await doneElsewhere(system, tasks, registration);
          victim.thaw();
          await anotherRegistration(system, victim, registration);
        },
      });
    },
  },
];

/**
 * A worker is frozen when it is about to write the ends of its tasks: its handlers have returned, and its connections are
 * taken, as no effect can be written for a moment. It wakes up while others run the same tasks, and only the fence keeps
 * it from completing them in their place.
 */
async function wokenWorker(trial: Trial, system: System): Promise<void> {
  const [victim] = system.workers;
  const registration = await system.registrationOf(victim);
  let long: readonly string[] = [];
  await trial.disturb({
    begin: async (load) => {
      const ids = await trial.post(load, LONG);
      await runsSome(system, registration, ids);
      const effects = await holdEffects(system.ledger);
      try {
        long = await haveReturned(system, registration, ids);
        await effects.held(LEAST_HELD);
        await victim.freeze();
      } finally {
        await effects.release();
      }
    },
    last: async () => {
      const left = await leftWith(system, registration);
      const running = await runElsewhere(system, long, registration);
      const before = (await system.ledger.tasks(left)).filter(({ state }) => state === 'done');
      victim.thaw();
      await anotherRegistration(system, victim, registration);
      const after = await system.ledger.tasks(before.map(({ uuid }) => uuid));
      trial.check(JSON.stringify(after) === JSON.stringify(before), 'the woken worker changed what others had done');
      await doneElsewhere(system, left, registration);
      const late = system.log.wordsBeside(victim.name, 'attempt ended too late', left);
      trial.check(late.length > 0, 'the woken worker tried to complete nothing');
      trial.note(
        `${left.length} ran on the frozen worker; when it woke up others had done ${before.length} and ran ` +
          `${running.length} of its long ones; it came too late with ${late.length}`,
      );
    },
  });
}

/** Waits until the handlers of those that this worker runs have returned. @returns these */
async function haveReturned(system: System, registration: string, ids: readonly string[]): Promise<string[]> {
  return waitUntil(
    'the handlers of its long tasks have returned',
    async () => {
      const tasks = await system.ledger.rows<{ uuid: string; returned: boolean }>(
        `select uuid, started_at < clock_timestamp() - make_interval(secs => $3::float8 / 1000) as returned
         from holdfast.task where uuid = any ($1::uuid[]) and worker_id = $2`,
        [ids, registration, RETURNED_MS],
      );
      return tasks.every(({ returned }) => returned) && tasks.map(({ uuid }) => uuid);
    },
    { limitSeconds: 10 },
  );
}

/** Waits until others run some of these. @returns which */
async function runElsewhere(system: System, ids: readonly string[], lost: string): Promise<string[]> {
  return waitUntil(
    'others run the long tasks of the frozen worker',
    async () => {
      const running = (await system.ledger.tasks(ids)).filter(
        ({ state, worker }) => state === 'running' && worker !== lost,
      );
      return running.length >= LEAST_TAKEN && running.map(({ uuid }) => uuid);
    },
    { limitSeconds: 3 * LEASE_SECONDS },
  );
}

async function anotherRegistration(system: System, worker: AppProcess, before: string): Promise<void> {
  await waitUntil(
    `${worker.name} has registered anew`,
    async () => (await system.registrationOf(worker).catch(() => before)) !== before,
    { limitSeconds: LEASE_SECONDS },
  );
}
