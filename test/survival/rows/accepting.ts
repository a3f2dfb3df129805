import { setTimeout as sleep } from 'node:timers/promises';
import { settlesWithin, waitUntil } from '../../../app/local/servers/wait-until';
import { PRIORITIES } from '../../../app/src/tasks';
import type { Row } from '../row';
import { holdCommits } from '../system/hold-commits';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Nobody else accepts tasks of this lane, so that a dispatch to it is theirs. */
const BULK = { count: 500, runMs: 0, priority: 'bulk' } as const;
const BULK_LANE = `:lane:probes:${PRIORITIES.indexOf(BULK.priority)}`;
const KEY = 'held-before-its-commit.';
const OPEN_MS = 500;
const LIMIT_SECONDS = 10;

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
      const redis = await system.redis.monitor();
      let dispatches = 0;
      let caller: Load | undefined;
      redis.on('monitor', (_: string, words: readonly string[]) => {
        if (words.includes('acceptor') && words.some((word) => word.endsWith(BULK_LANE))) dispatches += 1;
      });
      try {
        await trial.disturb({
          begin: async (load) => {
            caller = load;
            await killBeforeCommit(trial, system, load);
            trial.check(dispatches === 0, 'tasks were dispatched before their COMMIT');
          },
          last: async () => {
            await web.start();
            // The same request once more, whose dispatch must be seen.
            await trial.postUntilAnswered(caller!, BULK, KEY);
            await waitUntil('their dispatch is seen', () => dispatches > 0, { limitSeconds: LIMIT_SECONDS });
          },
        });
      } finally {
        redis.disconnect();
      }
    },
  },
];

/** A transaction has inserted its tasks and has not sent its COMMIT yet when its process dies. */
async function killBeforeCommit(trial: Trial, system: System, load: Load): Promise<void> {
  const web = system.webs[0]!;
  const kept = system.links(web).postgres.keepBack('commit\0', KEY);
  const posted = load.post(BULK, { 'idempotency-key': KEY });
  if (!(await settlesWithin(kept, LIMIT_SECONDS))) throw new Error('web sent no COMMIT behind the request key');
  trial.check((await sessions(system, 'idle in transaction')) > 0, 'no transaction of web was open');
  // Who dispatches before the COMMIT has done so by then.
  await sleep(OPEN_MS);
  await web.kill();
  const { status } = await posted;
  trial.check(status === undefined, `the caller was answered ${status ?? 'nothing'}`);
  await waitUntil('PostgreSQL has let go of the dead process', async () => (await sessions(system, '%')) === 0, {
    limitSeconds: LIMIT_SECONDS,
  });
  const [answer] = await system.ledger.rows<{ tasks: number }>(
    'select count(*)::int as tasks from holdfast.task where priority = $1',
    [PRIORITIES.indexOf(BULK.priority)],
  );
  trial.check(answer!.tasks === 0, `${answer!.tasks} tasks exist that nobody had committed`);
}

/** Of the web process. @param state a pattern */
async function sessions(system: System, state: string): Promise<number> {
  const [answer] = await system.ledger.rows<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity
     where application_name like 'holdfast web%' and state like $1`,
    [state],
  );
  return answer!.sessions;
}
