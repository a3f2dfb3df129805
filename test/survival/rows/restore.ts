import { setTimeout as sleep } from 'node:timers/promises';
import { BURST, PACE, WARM_SECONDS } from '../inject';
import type { Row } from '../row';
import type { System } from '../system/system';
import { RECOVERY_SECONDS } from '../trial';

/** A disaster, and what the documentation says to do then. */
export const restoreRows: readonly Row[] = [
  {
    id: 'D9',
    fault: 'restore of an earlier backup while Redis is newer',
    mustHold: 'no foreign id runs, no key collides',
    run: async (trial, system) => {
      const load = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      await load.post(BURST);
      await load.stop();
      await stopAll(system);
      const backup = await system.backUp();
      const atBackup = new Set(system.journal.taskIds());
      trial.note(`${await system.ledger.unfinished()} of ${atBackup.size} tasks were unfinished at the backup`);

      await startAll(system);
      const later = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      await later.post(BURST);
      await later.post({ ...BURST, runMs: 500 });
      await later.stop();
      await Promise.all(system.processes.map((process) => process.kill()));
      const newer = await system.idsInRedis();
      trial.check(newer > 0, 'Redis held no ids that are newer than the backup');
      // What was accepted after the backup is what such a restore costs.
      const lost = system.journal.taskIds().filter((id) => !atBackup.has(id));
      trial.forget(lost);

      await system.restore(backup);
      await system.migrate(true);
      const restored = await system.ledger.unfinished();
      await startAll(system);
      const restoredMs = Date.now();
      const after = system.startLoad(PACE);
      await system.drawFromRedis(WARM_SECONDS);
      await after.post(BURST);
      await trial.everybodyWorks(restoredMs, RECOVERY_SECONDS);
      await sleep(5_000);
      await after.stop();
      await trial.drain();
      await trial.nobodyStoodIdle(restoredMs);
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
