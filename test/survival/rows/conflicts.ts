import type { Row } from '../row';
import { fault } from '../system/database-faults';
import type { JournalEntry } from '../system/journal';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { KEYED, keyedOnce } from './keyed';

const CONFLICTS_SECONDS = 10;
/** Requests that are repeated under their key while statements fail now and then. */
const SHAKEN = 20;
/** A share; 4 % of the statements that write fail, and a request that writes has one or two. */
const MOST_REFUSED = 0.2;

/** Transactions that are in each other's way. */
export const conflictRows: readonly Row[] = [
  {
    id: 'D7',
    fault: 'deadlocks and serialisation failures under load',
    mustHold: 'retried, no effect twice',
    simulated: 'a trigger that raises the errors of deadlocks and failed serialisations',
    run: async (trial, system) => {
      const faults = [
        fault(system.ledger, { code: '40P01', share: 0.02 }),
        fault(system.ledger, { code: '40001', share: 0.02 }),
      ];
      let caller: Load | undefined;
      let shaken: readonly string[] = [];
      await trial.disturb({
        answers: ['503'],
        goesOn: ['accepting', 'working'],
        begin: async (load) => {
          caller = load;
          for (const each of faults) await each.begin();
        },
        last: async (fromMs) => {
          const keyed = Array.from({ length: SHAKEN }, (_, i) =>
            trial.postUntilAnswered(caller!, KEYED, `shaken-${i}.`),
          );
          [shaken] = await Promise.all([
            Promise.all(keyed).then((ids) => ids.flat()),
            trial.lasts(CONFLICTS_SECONDS, fromMs),
          ]);
          fewRefusals(trial, system.journal.sentBetween(fromMs, Date.now()));
        },
        heal: async () => {
          for (const each of faults) await each.end();
        },
      });
      await attemptsUnspent(trial, system);
      await keyedOnce(trial, system, shaken, KEYED.count * SHAKEN);
      for (const each of faults) {
        const raised = await each.raised();
        trial.check(raised > 0, `no statement failed with ${each.code}`);
        trial.note(`${raised} statements failed with ${each.code}`);
      }
    },
  },
];

/** What PostgreSQL undid is written again, and the attempt that ended with it is the first all the same. */
async function attemptsUnspent(trial: Trial, system: System): Promise<void> {
  const [answer] = await system.ledger.rows<{ spent: number; tasks: number }>(
    `select count(*) filter (where attempts > 1 or fence > 1)::int as spent, count(*)::int as tasks from holdfast.task
     where name = 'probes.run'`,
  );
  trial.check(answer!.spent === 0, `${answer!.spent} of ${answer!.tasks} probes were begun a second time`);
}

/** A request fails with the few statements that it consists of, and no more than these fail. */
function fewRefusals(trial: Trial, sent: readonly JournalEntry[]): void {
  const refused = sent.filter(({ status }) => status === 503).length;
  trial.check(refused <= MOST_REFUSED * sent.length, `${refused} of ${sent.length} requests were answered 503`);
  trial.note(`${refused} of ${sent.length} requests were answered 503 meanwhile`);
}
