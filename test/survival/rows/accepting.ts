import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import { holdCommits } from '../system/hold-commits';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Faults of the web process while it accepts. */
export const acceptingRows: readonly Row[] = [
  {
    id: 'P8',
    fault: 'web SIGKILL between commit and dispatch',
    mustHold: 'task done',
    run: async (trial, system) => {
      const web = system.webs[0]!;
      let undispatched: string[] = [];
      await trial.disturb({
        begin: async () => {
          const commits = await holdCommits(system.ledger, 'holdfast web%');
          try {
            await commits.held();
            await web.freeze();
          } finally {
            await commits.release();
          }
          // In the ledger by now, and the only process that could have dispatched them does not move.
          const told = new Set(system.journal.taskIds());
          undispatched = (await system.ledger.taskIds()).filter((id) => !told.has(id));
          await web.kill();
        },
        last: () => web.start(),
      });
      trial.check(undispatched.length > 0, 'nothing was committed by the web process that died before it heard of it');
      const missed = (await system.ledger.tasks(undispatched)).filter(
        ({ state, effects, due }) => state !== 'done' || effects.length !== due,
      );
      trial.check(missed.length === 0, `${missed.length} of them are not done with their one effect`);
      trial.note(`${undispatched.length} were committed by a web process that died before it heard of it`);
    },
  },
  {
    id: 'P9',
    fault: 'web SIGKILL before commit',
    mustHold: 'caller has no id, nothing runs',
    run: async (trial, system) => {
      const web = system.webs[0]!;
      await trial.disturb({
        begin: (load) => killBeforeCommit(trial, system, load),
        last: () => web.start(),
      });
    },
  },
];

/** Requests whose statements wait for a lock when their process dies: PostgreSQL rolls back what nobody commits. */
async function killBeforeCommit(trial: Trial, system: System, load: Load): Promise<void> {
  const web = system.webs[0]!;
  const lock = await system.ledger.connect();
  await lock.query('begin');
  await lock.query('lock table holdfast.task in share mode');
  const posted = load.post({ count: 500, runMs: 0 });
  await waitUntil('web waits to insert tasks', () => waits(system), { limitSeconds: 10 });
  const before = new Set(await system.ledger.taskIds());
  await web.kill();
  await lock.query('commit');
  await lock.end();
  const { status } = await posted;
  trial.check(status === undefined, `the caller was answered ${status ?? 'nothing'}`);
  await waitUntil('PostgreSQL has let go of the dead process', async () => !(await waits(system)), {
    limitSeconds: 10,
  });
  const after = (await system.ledger.taskIds()).filter((id) => !before.has(id));
  trial.check(after.length === 0, `${after.length} tasks exist that nobody had committed`);
}

async function waits(system: System): Promise<boolean> {
  const [answer] = await system.ledger.rows<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity
     where application_name like 'holdfast web%' and wait_event_type = 'Lock'`,
  );
  return answer!.sessions > 0;
}
