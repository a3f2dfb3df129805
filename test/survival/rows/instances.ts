import type { Row } from '../row';
import { lostWorker, runsSome, SHORT } from './workers';

const SIMULATED = 'the processes of one instance, stopped on one machine';

/** Faults of a whole instance: one web process and one worker, beside another instance with the same. */
export const instanceRows: readonly Row[] = [
  {
    id: 'I1',
    fault: 'instance terminated with notice (drain)',
    mustHold: 'running tasks finish in place or move within the budget',
    simulated: SIMULATED,
    system: { webs: 2 },
    run: async (trial, system) => {
      const web = system.webs[1]!;
      const worker = system.workers[1];
      const registration = await system.registrationOf(worker);
      let running: readonly string[] = [];
      await trial.disturb({
        begin: async (load) => {
          running = await runsSome(system, registration, await trial.post(load, SHORT));
          const endings = await Promise.all([web.terminate(), worker.terminate()]);
          trial.check(
            endings.every((ending) => ending === 'exit code 0'),
            `the processes ended with ${endings.join(' and ')}`,
          );
        },
        last: async () => {
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
