import type { Row } from '../row';
import { otherBuild } from '../system/other-build';
import type { System } from '../system/system';
import type { Trial } from '../trial';

const SECONDS = 20;
/** Probes of the new build that its web process accepts meanwhile: of the new version, and of the new name. */
const NEW_TASKS = { count: 100, runMs: 20 };
const NEWLY_NAMED = { ...NEW_TASKS, priority: 'high' } as const;
const ROUNDS = 10;

/** The next release: probes have version 2, and can still run version 1; urgent ones are tasks of a name of their own. */
const NEXT = [
  {
    file: 'probes/probe.task.ts',
    from: "  name: 'probes.run',\n",
    to: "  name: 'probes.run',\n  version: 2,\n  upgrade: { 1: (payload: unknown) => payload },\n",
  },
  {
    file: 'probes/probes.routes.ts',
    from: 'acceptMany(tx, probe, payloads, options)',
    to: "acceptMany(tx, body.priority === 'high' ? { ...probe, name: 'probes.urgent' } : probe, payloads, options)",
  },
  {
    file: 'worker.ts',
    from: 'const handlers = [\n',
    to:
      'const probes = probeHandler();\n' +
      "  const handlers = [\n    { ...probes, definition: { ...probes.definition, name: 'probes.urgent' } },\n",
  },
];

/** What only the new build knows. */
const NEWER = `(name = 'probes.urgent' or version = 2)`;

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
      system.callOnly(system.webs[0]!);
      await trial.disturb({
        begin: () => acceptNew(trial, system),
        last: async (fromMs) => {
          for (let i = 1; i < ROUNDS; i += 1) await acceptNew(trial, system);
          await trial.lasts(SECONDS, fromMs);
        },
        goesOn: ['accepting', 'working'],
      });
      const [answer] = await system.ledger.rows<Counts>(
        `select count(*) filter (where ${NEWER} and worker_id = $1)::int as wrong,
                count(*) filter (where ${NEWER} and fence <> 1)::int as again,
                count(*) filter (where name = 'probes.urgent')::int as named,
                count(*) filter (where name = 'probes.run' and version = 2)::int as newer,
                count(*) filter (where not ${NEWER} and worker_id = $1)::int as older,
                count(*) filter (where not ${NEWER} and worker_id <> $1)::int as moved
         from holdfast.task where name like 'probes.%'`,
        [registration],
      );
      const { wrong, again, named, newer, older, moved } = answer!;
      const each = NEW_TASKS.count * ROUNDS;
      trial.check(wrong === 0, `${wrong} tasks of the new name or version ran on the old worker`);
      trial.check(again === 0, `${again} of them were claimed more than once: the old worker had them in between`);
      trial.check(newer === each, `${newer} tasks of the new version are in the ledger`);
      trial.check(named === each, `${named} tasks of the new name are in the ledger`);
      trial.check(older > 0 && moved > 0, `the old worker ran ${older} old tasks, the new one ${moved}`);
      trial.note(
        `${newer} of a new version and ${named} of a new name on the new worker, each claimed once; ` +
          `${older} old ones on the old worker, ${moved} on the new one`,
      );
    },
  },
];

interface Counts {
  readonly wrong: number;
  readonly again: number;
  readonly named: number;
  readonly newer: number;
  readonly older: number;
  readonly moved: number;
}

/** The second web process and the second worker are of the next release. */
function nextForTheSecond(): (process: string) => string | undefined {
  let folder: string | undefined;
  return (process) => (process.endsWith('-2') ? (folder ??= otherBuild(NEXT)) : undefined);
}

async function acceptNew(trial: Trial, system: System): Promise<void> {
  for (const probes of [NEW_TASKS, NEWLY_NAMED]) {
    const sentAtMs = Date.now();
    const { status, body } = await system.clients[1]!.post('/api/probes', probes);
    const taskIds = status === 202 ? (JSON.parse(body) as { taskIds: string[] }).taskIds : [];
    system.journal.add({ sentAtMs, endedAtMs: Date.now(), status, taskIds });
    trial.check(status === 202, `the new web process answered ${status}`);
  }
}
