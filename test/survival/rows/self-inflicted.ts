import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { ENVIRONMENT } from '../../../app/src/contract';
import { probe } from '../../../app/src/probes/probe.task';
import type { Row } from '../row';
import type { Load } from '../system/load';
import { startAgain } from '../system/start-again';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { GRACE_SECONDS, LEASE_SECONDS, leftWith } from './workers';

/** Only the first worker serves it, so that only that one is hit. */
const QUEUE = 'doomed';
const OTHERS = 'default,probes,imports,images,collect,reminders';
const VICTIM_ONLY = {
  workerEnvironment: (worker: number) => ({
    [ENVIRONMENT.workerQueues]: worker === 0 ? `${OTHERS},${QUEUE}` : OTHERS,
  }),
};
/** Longer than the lease. */
const BLOCK_MS = 20_000;
/** Until the attempts that fail are over: two losses are forgiven at most, the third counts. */
const ENDED_SECONDS = 240;
/** How long the engine waits after the time limit for a handler to obey its signal. */
const OBEY_SECONDS = 5;
/** By then the engine trusts neither the handler nor its worker, and others have its task. */
const TAKEN_OVER_SECONDS = probe.timeLimitSeconds + OBEY_SECONDS + GRACE_SECONDS;
/** The default of DRAIN_SECONDS. */
const DRAIN_SECONDS = 20;
/** Every second from the time limit on: some are in a worker's hands when it is told to go. */
const SLOW = { count: 8, runMs: 2_500, priority: 'high' } as const;
/** So little that a leak is out of memory within a second or two. */
const LITTLE_MEMORY = { NODE_OPTIONS: '--max-old-space-size=160' };

/** How Node.js ends when its heap is full; as a shell in between would report it. */
const OUT_OF_MEMORY: readonly string[] = ['signal SIGABRT', 'exit code 134'];

/** Faults that a handler brings over its own worker, and which leave its neighbour alone. */
export const selfInflictedRows: readonly Row[] = [
  {
    id: 'P5',
    fault: "worker's event loop blocked past its lease",
    mustHold:
      'its late completion changes nothing; heartbeats stop with the loop, so that a stuck worker loses its tasks',
    system: VICTIM_ONLY,
    run: async (trial, system) => {
      const [victim] = system.workers;
      const registration = await system.registrationOf(victim);
      let blocking: readonly string[] = [];
      await trial.disturb({
        begin: async (load) => {
          blocking = await trial.post(load, {
            ...{ count: 1, runMs: BLOCK_MS, priority: 'high', queue: QUEUE, failTimes: 1, failBy: 'block' },
          });
          await startedOn(system, registration, blocking);
          victim.life.ends('blow');
        },
        last: async (fromMs) => {
          await redelivered(trial, system, { registration, but: blocking, fromMs });
          await ended(system, blocking);
          victim.life.begins(victim.pid);
        },
        goesOn: ['accepting', 'working'],
      });
    },
  },
  {
    id: 'P7',
    fault: 'worker out of memory',
    mustHold: 'redelivered within lease + 5 s, no effect twice',
    ownEndings: { 'signal SIGABRT': 3, 'exit code 134': 3 },
    system: {
      workerEnvironment: (worker) => ({
        ...VICTIM_ONLY.workerEnvironment(worker),
        ...(worker === 0 && LITTLE_MEMORY),
      }),
    },
    run: async (trial, system) => {
      const [victim] = system.workers;
      const registration = await system.registrationOf(victim);
      const platform = startAgain([victim]);
      let leaking: readonly string[] = [];
      try {
        await trial.disturb({
          begin: async (load) => {
            leaking = await trial.post(load, {
              ...{ count: 1, runMs: 0, priority: 'high', queue: QUEUE, failTimes: 1, failBy: 'exhaust' },
            });
            await startedOn(system, registration, leaking);
            await platform.death();
          },
          last: async (fromMs) => {
            await redelivered(trial, system, { registration, but: leaking, fromMs });
            await ended(system, leaking);
          },
          goesOn: ['accepting', 'working'],
        });
      } finally {
        await platform.stop();
        const endings = platform.endings();
        trial.check(
          endings.every((ending) => OUT_OF_MEMORY.includes(ending)),
          `the worker did not run out of memory but ended with ${endings.join(', ')}`,
        );
        trial.note(`the worker died ${endings.length} times: ${endings.join(', ')}`);
      }
    },
  },
  {
    id: 'P15',
    fault: 'a handler hangs and ignores its signal',
    mustHold: 'task taken over after its limit, that worker drains and exits',
    ownEndings: { 'exit code 1': 1 },
    run: async (trial, system) => {
      const platform = startAgain(system.workers);
      const names = await namesByRegistration(system);
      let caller: Load | undefined;
      let hanging: readonly string[] = [];
      try {
        await trial.disturb({
          begin: async (load) => {
            caller = load;
            hanging = await trial.post(load, {
              ...{ count: 1, runMs: 0, priority: 'high', failTimes: 1, failBy: 'hang' },
            });
          },
          last: async (fromMs) => {
            await sleep(probe.timeLimitSeconds * 1_000);
            await waitUntil(
              'the worker with the hung handler has ended',
              async () => {
                if (platform.deaths() === 0) await trial.post(caller!, SLOW);
                return platform.deaths() > 0;
              },
              { limitSeconds: OBEY_SECONDS + DRAIN_SECONDS + GRACE_SECONDS, everyMilliseconds: 1_000 },
            );
            trial.note(`the worker with the hung handler ended after ${((Date.now() - fromMs) / 1_000).toFixed(0)} s`);
            await ended(system, hanging);
            await takenOver(trial, system, hanging[0]!, names);
          },
          goesOn: ['accepting', 'working'],
        });
      } finally {
        await platform.stop();
      }
      const endings = platform.endings();
      trial.check(endings.join() === 'exit code 1', `workers ended by themselves with ${endings.join(', ')}`);
      await drained(trial, system, hanging[0]!);
    },
  },
];

/** By the id of its registration each worker's name. */
async function namesByRegistration(system: System): Promise<Map<string, string>> {
  return new Map(
    await Promise.all(
      system.workers.map(async (worker): Promise<[string, string]> => [
        await system.registrationOf(worker),
        worker.name,
      ]),
    ),
  );
}

/** When the task was begun anew, and what the worker said on which it hung. */
async function takenOver(
  trial: Trial,
  system: System,
  task: string,
  names: ReadonlyMap<string, string>,
): Promise<void> {
  const [hung] = await system.ledger.rows<{ worker: string; seconds: number }>(
    `select a.worker_id as worker, extract(epoch from t.started_at - a.started_at)::float8 as seconds
     from holdfast.attempt a join holdfast.task t on t.id = a.task_id where t.uuid = $1 and t.fence = 2 and a.fence = 1`,
    [task],
  );
  if (hung === undefined) throw new Error('the task that hung was not begun exactly twice');
  trial.recoveredAfter(hung.seconds, TAKEN_OVER_SECONDS);
  trial.note(`the task was taken over after ${hung.seconds.toFixed(1)} s, allowed are ${TAKEN_OVER_SECONDS}`);
  const said = system.log.wordsBeside(names.get(hung.worker) ?? '', 'takes no more tasks', ['a handler hangs']);
  trial.check(said.length > 0, 'the worker that went did not say that a handler hangs');
}

/** Everything else that the worker had in hand when it was told to go ended where it ran. */
async function drained(trial: Trial, system: System, hung: string): Promise<void> {
  const [answer] = await system.ledger.rows<{ drained: number; again: number }>(
    `select count(*) filter (where t.worker_id = w.id and t.started_at <= w.hung_at and t.finished_at >= w.hung_at)::int
              as drained,
            count(*) filter (where t.fence > 1 or t.attempts > 1)::int as again
     from holdfast.task t cross join (select id, hung_at from holdfast.worker where hung_at is not null) w
     where t.uuid <> $1`,
    [hung],
  );
  const { drained, again } = answer!;
  trial.check(drained > 0, 'the worker that went had nothing else in hand');
  trial.check(again === 0, `${again} other tasks were begun a second time`);
  trial.note(`${drained} other tasks were in its hands, and ended there`);
}

interface Lost {
  readonly registration: string;
  /** The tasks that are its misfortune. */
  readonly but: readonly string[];
  readonly fromMs: number;
}

/** What the worker ran is claimed again in time: some by the same process under its next registration, which may be lost again. */
async function redelivered(trial: Trial, system: System, { registration, but, fromMs }: Lost): Promise<void> {
  const tasks = (await leftWith(system, registration)).filter((id) => !but.includes(id));
  trial.check(tasks.length > 0, 'the lost worker ran nothing else');
  await waitUntil(
    'the tasks of the lost worker have been claimed again',
    async () => (await system.ledger.tasks(tasks)).every(({ state, fence }) => state === 'done' || fence > 1),
    { limitSeconds: 3 * LEASE_SECONDS, everyMilliseconds: 100 },
  );
  const seconds = (Date.now() - fromMs) / 1_000;
  trial.recoveredAfter(seconds, LEASE_SECONDS + GRACE_SECONDS);
  trial.note(`${tasks.length} ran on the lost worker and were claimed again ${seconds.toFixed(1)} s later`);
}

async function startedOn(system: System, registration: string, tasks: readonly string[]): Promise<void> {
  await waitUntil(
    'the worker runs it',
    async () =>
      (await system.ledger.tasks(tasks)).every(({ state, worker }) => state === 'running' && worker === registration),
    { limitSeconds: 10 },
  );
}

async function ended(system: System, tasks: readonly string[]): Promise<void> {
  await waitUntil(
    'the task itself is done',
    async () => (await system.ledger.tasks(tasks)).every(({ state }) => state === 'done'),
    { limitSeconds: ENDED_SECONDS, everyMilliseconds: 250 },
  );
}
