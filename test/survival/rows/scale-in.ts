import { waitUntil } from '../../../app/local/servers/wait-until';
import { ENVIRONMENT } from '../../../app/src/contract';
import { BURST, PACE } from '../inject';
import type { Row } from '../row';
import type { System } from '../system/system';
import { RECOVERY_SECONDS } from '../trial';
import type { Trial } from '../trial';
import { runsSome } from './workers';

/** Only the second worker serves it. */
const QUEUE = 'extra';
/** Some rounds of its slots. */
const EXTRA = { count: 60, runMs: 3_000, queue: QUEUE };
const OTHERS = 'default,probes,imports,images,collect,reminders';
const LOOK_EVERY_MS = 250;
/** The extra tasks, and the times for which a worker stays protected after its last one. */
const LIMIT_SECONDS = 120;
const LEAST_BACKLOG = 1_000;
const LEAST_WORK = 500;

/** The platform takes workers away that say that they are idle, and no other. */
export const scaleInRows: readonly Row[] = [
  {
    id: 'I6',
    fault: 'scale-in under load',
    mustHold: 'only idle workers go',
    simulated: 'a stand-in for the Amazon ECS agent, whose unprotected workers are stopped',
    system: {
      agents: true,
      workerEnvironment: (worker) => ({ [ENVIRONMENT.workerQueues]: worker === 0 ? OTHERS : QUEUE }),
    },
    run: async (trial, system) => {
      const load = system.startLoad(PACE);
      await load.post(BURST);
      const extra = await trial.post(load, EXTRA);
      const [busy, spare] = system.workers;
      const spareId = await system.registrationOf(spare);
      await runsSome(system, await system.registrationOf(busy), system.journal.taskIds());
      await runsSome(system, spareId, extra);
      await waitUntil('both workers are protected', () => system.agents.every(({ isProtected }) => isProtected), {
        limitSeconds: 10,
      });
      const fromMs = Date.now();
      const backlog = await system.ledger.unfinished(system.journal.taskIds());
      trial.check(backlog >= LEAST_BACKLOG, `only ${backlog} tasks were unfinished when one worker was one too many`);
      trial.note(`${backlog} tasks were unfinished when one worker was one too many`);

      const ending = await scaleIn(trial, system);
      const toMs = Date.now();
      trial.check(ending === 'exit code 0', `the worker ended with ${ending}`);
      trial.check(busy.alive && !spare.alive, 'the busy worker was stopped, or the idle one was not');
      await trial.everybodyWorks(toMs, RECOVERY_SECONDS);
      await load.stop();
      await trial.drain();
      await trial.nobodyStoodIdle(fromMs);

      const accepted = system.journal.acknowledgedBetween(fromMs, toMs);
      const done = await system.ledger.doneBetween(fromMs, toMs);
      trial.check(Math.min(accepted, done) >= LEAST_WORK, `only ${accepted} were accepted and ${done} done meanwhile`);
      trial.note(
        `${((toMs - fromMs) / 1_000).toFixed(0)} s later the idle one went; ${accepted} accepted, ${done} done`,
      );
      const moved = (await system.ledger.tasks(system.journal.taskIds())).filter(({ fence }) => fence !== 1);
      trial.check(moved.length === 0, `${moved.length} tasks were moved to another worker`);
      const elsewhere = (await system.ledger.tasks(extra)).filter(({ worker }) => worker !== spareId);
      trial.check(elsewhere.length === 0, `${elsewhere.length} tasks of the worker that went were not done by it`);
    },
  },
];

/** Stops one worker as the platform does: SIGTERM to one that is not protected, as soon as there is one. @returns how it ended */
async function scaleIn(trial: Trial, system: System): Promise<string> {
  let looks = 0;
  const index = await waitUntil(
    'a worker is not protected',
    () => {
      looks += 1;
      const found = system.agents.findIndex(({ isProtected }) => !isProtected);
      return found >= 0 && { found };
    },
    { limitSeconds: LIMIT_SECONDS, everyMilliseconds: LOOK_EVERY_MS },
  );
  trial.check(looks > 1, 'a worker could be stopped at once, although both had tasks');
  const chosen = system.workers[index.found]!;
  const running = await system.ledger.runningOn(await system.registrationOf(chosen));
  const ending = await chosen.terminate();
  trial.check(running.length === 0, `${chosen.name} was not protected although it ran ${running.length} tasks`);
  trial.note(`${looks} looks until ${chosen.name} was not protected any more`);
  return ending;
}
