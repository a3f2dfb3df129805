import type { Row } from '../row';
import { lostWorker, runsSome, SHORT } from './workers';

/** Within which whatever is asked to stop has ended what it runs, or given it back. */
const DRAIN_SECONDS = 20;
const SIMULATED = 'the processes of one instance, stopped on one machine';

/** Faults of a whole instance: one web process and one worker, beside another instance with the same. */
export const instanceRows: readonly Row[] = [
  {
    id: 'I1',
    fault: 'instance terminated with notice (drain)',
    mustHold: 'running tasks finish in place or move within the budget',
    simulated: SIMULATED,
    system: { webs: 2, environment: { DRAIN_SECONDS: String(DRAIN_SECONDS) } },
    run: async (trial, system) => {
      const web = system.webs[1]!;
      const worker = system.workers[1];
      const registration = await system.registrationOf(worker);
      let running: readonly string[] = [];
      let endings: Promise<string[]> = Promise.resolve([]);
      await trial.disturb({
        begin: async (load) => {
          running = await runsSome(system, registration, await trial.post(load, SHORT));
          endings = Promise.all([web.terminate(), worker.terminate()]);
        },
        last: async (fromMs) => {
          const ended = await endings;
          const seconds = (Date.now() - fromMs) / 1_000;
          trial.check(
            ended.every((ending) => ending === 'exit code 0'),
            `the processes ended with ${ended.join(' and ')}`,
          );
          trial.check(seconds <= DRAIN_SECONDS, `the instance had gone after ${seconds.toFixed(1)} s only`);
          trial.note(`the instance had gone after ${seconds.toFixed(1)} s, allowed are ${DRAIN_SECONDS}`);
          const left = await system.ledger.runningOn(registration);
          trial.check(left.length === 0, `${left.length} tasks were still in the hands of the drained worker`);
          await Promise.all([web.start(), worker.start()]);
        },
      });
      const moved = (await system.ledger.tasks(running)).filter((task) => task.worker !== registration);
      trial.note(`${running.length} tasks ran on it, ${running.length - moved.length} finished there`);
    },
  },
  {
    id: 'I2',
    fault: 'instance gone without notice (all its containers at once)',
    mustHold: 'redelivered within lease + 5 s, no effect twice',
    simulated: SIMULATED,
    system: { webs: 2 },
    run: (trial, system) => lostWorker(trial, system, system.webs.slice(1)),
  },
];
