import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../row';
import type { AppProcess } from '../system/app-process';
import { Balancer } from '../system/balancer';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { eachTickOnce, ticked } from './schedules';
import { nothingRestarted, runsSome, SHORT } from './workers';

const VISIT_EVERY_MS = 100;

/** Every process is replaced by the next release's while callers and visitors go on. */
export const rolloutRows: readonly Row[] = [
  {
    id: 'I3',
    fault: 'rolling deploy under load',
    mustHold: 'no failed request, no task restarted that fitted the budget',
    simulated: 'processes in place of containers, nginx in place of the load balancer',
    system: { webs: 2, schedulers: 1, feed: true },
    run: async (trial, system) => {
      const balancer = await Balancer.start(system.webPorts());
      const visitors = new AbortController();
      try {
        system.callThrough(balancer.port);
        const visits = visit(system, visitors.signal);
        let callers: Load | undefined;
        await trial.disturb({
          begin: async (load) => {
            callers = load;
            await balancer.lead(system.webPorts().slice(1));
          },
          last: async () => {
            await rollWeb(system, balancer);
            for (const worker of system.workers) await rollWorker(trial, system, { worker, load: callers! });
            await rollScheduler(trial, system);
          },
          goesOn: ['accepting', 'working'],
        });
        visitors.abort();
        const { asked, failed } = await visits;
        trial.check(
          failed.length === 0,
          `${failed.length} of ${asked} visits failed: ${[...new Set(failed)].join(', ')}`,
        );
        trial.note(`${asked} visits, ${failed.length} failed`);
      } finally {
        visitors.abort();
        await balancer.stop();
      }
      await nothingRestarted(trial, system);
      await eachTickOnce(trial, system);
    },
  },
];

/** One after the other, as a deployment does: no new requests, then SIGTERM, and new requests once the next one is ready. */
async function rollWeb(system: System, balancer: Balancer): Promise<void> {
  const ports = system.webPorts();
  for (const [i, web] of system.webs.entries()) {
    await balancer.lead(ports.filter((_, other) => other !== i));
    await replace(web);
    await balancer.lead(ports);
  }
}

async function rollWorker(
  trial: Trial,
  system: System,
  { worker, load }: { readonly worker: AppProcess; readonly load: Load },
): Promise<void> {
  const registration = await system.registrationOf(worker);
  const running = await runsSome(system, registration, await trial.post(load, SHORT));
  await replace(worker);
  const moved = (await system.ledger.tasks(running)).filter(
    (task) => task.state !== 'done' || task.worker !== registration || task.fence !== 1,
  );
  trial.check(moved.length === 0, `${moved.length} of ${running.length} did not finish where they ran`);
  trial.note(`${running.length} tasks finished on ${worker.name}, which was replaced`);
}

async function rollScheduler(trial: Trial, system: System): Promise<void> {
  const scheduler = system.schedulers[0]!;
  await replace(scheduler);
  await ticked(system, 2);
  trial.note(`${scheduler.name} was replaced, and ticks`);
}

/** @throws Error when the process does not end by itself, or the next one does not begin. */
async function replace(process: AppProcess): Promise<void> {
  const ending = await process.terminate();
  if (ending !== 'exit code 0') throw new Error(`${process.name} ended with ${ending}`);
  await process.start();
}

/** A page, again and again. @returns how often, and what was answered instead of it */
async function visit(
  system: System,
  signal: AbortSignal,
): Promise<{ readonly asked: number; readonly failed: readonly string[] }> {
  const failed: string[] = [];
  let asked = 0;
  while (!signal.aborted) {
    const { status } = await system.client.get('/').catch((error: unknown) => ({ status: String(error) }));
    asked += 1;
    if (status !== 200) failed.push(String(status));
    await sleep(VISIT_EVERY_MS);
  }
  return { asked, failed };
}
