import type { Row } from '../row';
import { otherBuild } from '../system/other-build';
import type { System } from '../system/system';
import type { Trial } from '../trial';

const SECONDS = 20;
/** Probes of the new build that its web process accepts meanwhile. */
const NEW_TASKS = { count: 100, runMs: 20 };
const ROUNDS = 10;

/** The next release: probes have version 2, and can still run version 1. */
const NEXT = [
  {
    file: 'probes/probe.task.ts',
    from: "  name: 'probes.run',\n",
    to: "  name: 'probes.run',\n  version: 2,\n  upgrade: { 1: (payload: unknown) => payload },\n",
  },
];

/** Faults of a deployment that goes on for hours. */
export const buildRows: readonly Row[] = [
  {
    id: 'P17',
    fault: 'old and new build side by side, new task names and payload versions',
    mustHold: 'nothing dead, old worker leaves the new ones alone',
    system: { webs: 2, build: nextForTheSecond() },
    run: async (trial, system) => {
      const [old] = system.workers;
      const registration = await system.registrationOf(old);
      await trial.disturb({
        begin: () => acceptNew(trial, system),
        last: async (fromMs) => {
          for (let i = 1; i < ROUNDS; i += 1) await acceptNew(trial, system);
          await trial.lasts(SECONDS, fromMs);
        },
        goesOn: ['accepting', 'working'],
      });
      const [answer] = await system.ledger.rows<{ wrong: number; newer: number; older: number; moved: number }>(
        `select count(*) filter (where version = 2 and worker_id = $1)::int as wrong,
                count(*) filter (where version = 2)::int as newer,
                count(*) filter (where version = 1 and worker_id = $1)::int as older,
                count(*) filter (where version = 1 and worker_id <> $1)::int as moved
         from holdfast.task where name = 'probes.run'`,
        [registration],
      );
      const { wrong, newer, older, moved } = answer!;
      trial.check(wrong === 0, `${wrong} tasks of the new version ran on the old worker`);
      trial.check(newer === NEW_TASKS.count * ROUNDS, `${newer} tasks of the new version are in the ledger`);
      trial.check(older > 0 && moved > 0, `the old worker ran ${older} old tasks, the new one ${moved}`);
      trial.note(`${newer} new tasks on the new worker; ${older} old ones on the old worker, ${moved} on the new one`);
    },
  },
];

/** The second web process and the second worker are of the next release. */
function nextForTheSecond(): (process: string) => string | undefined {
  let folder: string | undefined;
  return (process) => (process.endsWith('-2') ? (folder ??= otherBuild(NEXT)) : undefined);
}

async function acceptNew(trial: Trial, system: System): Promise<void> {
  const sentAtMs = Date.now();
  const { status, body } = await system.clients[1]!.post('/api/probes', NEW_TASKS);
  const taskIds = status === 202 ? (JSON.parse(body) as { taskIds: string[] }).taskIds : [];
  system.journal.add({ sentAtMs, endedAtMs: Date.now(), status, taskIds });
  trial.check(status === 202, `the new web process answered ${status}`);
}
