import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import type { AppProcess } from '../system/app-process';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { areParked, checkCalls, leaveCallsUnanswered, resolveAsSent } from './unanswered-calls';
import type { UnansweredCalls } from './unanswered-calls';

/** The engine's default lease, after which a silent worker's tasks go to others. */
export const LEASE_SECONDS = 15;
/** Until others have them, and have done them. */
export const GRACE_SECONDS = 5;
/** Some of a worker's 20 slots have them for certain. */
const LEAST_RUNNING = 5;
export const SHORT = { count: 120, runMs: 1_500, priority: 'high' } as const;
/** So few that either worker has slots for what the other gives back. */
const LONG = { count: 16, runMs: 20_000, priority: 'high' } as const;
/** Below the run time of LONG. */
const SHORT_DRAIN = { DRAIN_SECONDS: '5' };

/** Faults of one worker while its neighbour is well. */
export const workerRows: readonly Row[] = [
  {
    id: 'P1',
    fault: 'worker SIGKILL while running tasks',
    mustHold: 'redelivered within lease + 5 s, no effect twice',
    run: (trial, system) => lostWorker(trial, system),
  },
  {
    id: 'P2',
    fault: 'worker SIGTERM while running tasks shorter than the budget',
    mustHold: 'each finishes where it runs, none restarts',
    run: async (trial, system) => {
      const [victim] = system.workers;
      const registration = await system.registrationOf(victim);
      let running: string[] = [];
      let ended: Promise<string> = Promise.resolve('');
      await trial.disturb({
        begin: async (load) => {
          const ids = await trial.post(load, SHORT);
          running = await runsSome(system, registration, ids);
          ended = victim.terminate();
        },
        last: async () => {
          trial.check((await ended) === 'exit code 0', `the worker ended with ${await ended}`);
          await victim.start();
        },
      });
      const moved = (await system.ledger.tasks(running)).filter(
        ({ worker, fence, state }) => state !== 'done' || worker !== registration || fence !== 1,
      );
      trial.check(moved.length === 0, `${moved.length} of ${running.length} did not finish where they ran`);
      trial.note(`${running.length} tasks finished where they ran`);
      await nothingRestarted(trial, system);
    },
  },
  {
    id: 'P3',
    fault: 'worker SIGTERM while running a task longer than the budget',
    mustHold: 'given back before the kill, taken by another at once, fence moves',
    system: { workerEnvironment: () => SHORT_DRAIN },
    run: async (trial, system) => {
      let lost: Running | undefined;
      let ended: Promise<string> = Promise.resolve('');
      await trial.disturb({
        begin: async (load) => {
          const ids = await trial.post(load, LONG);
          lost = await whoRunsSome(system, ids);
          ended = lost.worker.terminate();
        },
        last: async () => {
          const ending = await ended;
          const { worker, registration, ids: running } = lost!;
          const endedMs = Date.now();
          trial.check(ending === 'exit code 0', `the worker ended with ${ending}`);
          const left = (await system.ledger.runningOn(registration)).length;
          trial.check(left === 0, `${left} tasks were still in the ended worker's hands`);
          await waitUntil(
            'somebody else runs what was given back',
            async () =>
              (await system.ledger.tasks(running)).every(
                ({ state, worker: now }) => state === 'done' || (state === 'running' && now !== registration),
              ),
            { limitSeconds: LEASE_SECONDS, everyMilliseconds: 50 },
          );
          const seconds = (Date.now() - endedMs) / 1_000;
          trial.note(`${running.length} tasks were given back; ${seconds.toFixed(1)} s later others ran them`);
          trial.check(seconds <= GRACE_SECONDS, `others took them after ${seconds.toFixed(1)} s only`);
          await worker.start();
        },
      });
      const same = (await system.ledger.tasks(lost!.ids)).filter(({ fence }) => fence < 2);
      trial.check(
        same.length === 0,
        `${same.length} tasks were done under the fence of the worker that gave them back`,
      );
    },
  },
];

/**
 * One worker is killed with what it runs; others do that within lease + 5 s, and it is started again.
 * @param beside processes that are killed at the same moment
 */
export async function lostWorker(trial: Trial, system: System, beside: readonly AppProcess[] = []): Promise<void> {
  const [victim] = system.workers;
  const lost = [victim, ...beside];
  const registration = await system.registrationOf(victim);
  let calls: UnansweredCalls | undefined;
  let seconds = 0;
  await trial.disturb({
    begin: async (load) => {
      try {
        calls = await leaveCallsUnanswered(trial, system, load, registration);
        await Promise.all(lost.map((process) => process.kill()));
      } finally {
        system.receiver.answerAll();
      }
    },
    last: async (fromMs) => {
      const { repeated, parked } = calls!;
      const tasks = (await leftWith(system, registration)).filter((id) => !parked.includes(id));
      trial.check(tasks.length > 0, 'the lost worker ran nothing');
      await Promise.all([doneElsewhere(system, tasks, registration), areParked(system, parked)]);
      seconds = (Date.now() - fromMs) / 1_000;
      trial.note(`${tasks.length} ran on the lost worker`);
      checkCalls(trial, system, { repeated, parked });
      await resolveAsSent(trial, system, parked);
      await Promise.all(lost.map((process) => process.start()));
    },
    goesOn: ['accepting', 'working'],
  });
  trial.recoveredAfter(seconds, LEASE_SECONDS + GRACE_SECONDS);
}

/** Whether every probe of the row ran once. */
export async function nothingRestarted(trial: Trial, system: System): Promise<void> {
  const [answer] = await system.ledger.rows<{ again: number }>(
    `select count(*)::int as again from holdfast.task where name = 'probes.run' and fence > 1`,
  );
  trial.check(answer!.again === 0, `${answer!.again} tasks were started again`);
}

/** What stays in the hands of a worker that neither answers nor commits any more. */
export function leftWith(system: System, registration: string): Promise<string[]> {
  let before: string | undefined;
  return waitUntil(
    'what the stopped worker had sent off has been committed',
    async () => {
      const running = await system.ledger.runningOn(registration);
      const same = before === running.join();
      before = running.join();
      return same && running;
    },
    { limitSeconds: 10, everyMilliseconds: 250 },
  );
}

export async function doneElsewhere(system: System, tasks: readonly string[], lost: string): Promise<void> {
  await waitUntil(
    'others have done the tasks of the lost worker',
    async () => (await system.ledger.tasks(tasks)).every(({ state, worker }) => state === 'done' && worker !== lost),
    { limitSeconds: 3 * LEASE_SECONDS, everyMilliseconds: 100 },
  );
}

export async function runsSome(system: System, registration: string, ids: readonly string[]): Promise<string[]> {
  const wanted = new Set(ids);
  return waitUntil(
    'the worker runs some of them',
    async () => {
      const running = (await system.ledger.runningOn(registration)).filter((id) => wanted.has(id));
      return running.length >= LEAST_RUNNING && running;
    },
    { limitSeconds: 10 },
  );
}

interface Running {
  readonly worker: AppProcess;
  readonly registration: string;
  /** Tasks that it runs. */
  readonly ids: readonly string[];
}

/** A worker that runs some of them: either may have been the first to have slots for all. */
async function whoRunsSome(system: System, ids: readonly string[]): Promise<Running> {
  return Promise.any(
    system.workers.map(async (worker) => {
      const registration = await system.registrationOf(worker);
      return { worker, registration, ids: await runsSome(system, registration, ids) };
    }),
  );
}
