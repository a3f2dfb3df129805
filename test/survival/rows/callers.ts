import type { Row } from '../row';
import type { System } from '../system/system';

/** Tells the tasks of the doomed transactions from all others. */
const DOOMED_MS = 13;
const ROUNDS = 10;
/** A claim whose answer is lost is given back by then. */
const GIVEN_BACK_SECONDS = 10;
const LOST_CLAIMS = 5;

/** Faults between a caller and the ledger, and between a worker and what it claims. */
export const callerRows: readonly Row[] = [
  {
    id: 'P10',
    fault: 'the accepting transaction rolls back',
    mustHold: 'nothing runs',
    run: async (trial, system) => {
      const statuses: (number | undefined)[] = [];
      await trial.disturb({
        begin: async (load) => {
          await failAtCommit(system);
          for (let i = 0; i < ROUNDS; i += 1) {
            statuses.push((await load.post({ count: 5, runMs: DOOMED_MS })).status);
          }
        },
        last: () => Promise.resolve(),
        heal: () => system.ledger.rows('drop trigger rolls_back on holdfast.task'),
        answers: ['500', '503'],
      });
      trial.check(!statuses.includes(202), `callers of doomed transactions were answered ${statuses.join(', ')}`);
      const [answer] = await system.ledger.rows<{ tasks: number }>(
        `select count(*)::int as tasks from holdfast.task where payload ->> 'runMs' = $1`,
        [String(DOOMED_MS)],
      );
      trial.check(answer!.tasks === 0, `${answer!.tasks} tasks of transactions exist that were rolled back`);
      trial.note(`${statuses.length} transactions rolled back at their COMMIT`);
    },
  },
  {
    id: 'P14',
    fault: 'the answer to a claim is lost while its worker lives on',
    mustHold: 'given back within 10 s, done once',
    run: async (trial, system) => {
      const [victim] = system.workers;
      const registration = await system.registrationOf(victim);
      const { postgres } = system.links(victim);
      let longestSeconds = 0;
      await trial.disturb({
        begin: () => postgres.loseAnswerTo('claim_by_id'),
        last: async (fromMs) => {
          for (let i = 1; i < LOST_CLAIMS; i += 1) await postgres.loseAnswerTo('claim_by_id');
          await trial.lasts(2 * GIVEN_BACK_SECONDS, fromMs, async () => {
            const [answer] = await system.ledger.rows<{ seconds: number }>(
              `select coalesce(max(extract(epoch from clock_timestamp() - started_at)), 0)::float8 as seconds
               from holdfast.task where finished_at is null and state = 'running' and worker_id = $1`,
              [registration],
            );
            longestSeconds = Math.max(longestSeconds, answer!.seconds);
          });
          trial.check(
            longestSeconds <= GIVEN_BACK_SECONDS,
            `a task was in the hands of a worker that did not know it for ${longestSeconds.toFixed(1)} s`,
          );
        },
        goesOn: ['accepting', 'working'],
      });
      const [again] = await system.ledger.rows<{ tasks: number }>(
        'select count(*)::int as tasks from holdfast.task where fence > 1',
      );
      trial.check(again!.tasks > 0, 'no task was claimed a second time: no claim was lost');
      trial.check((await system.registrationOf(victim)) === registration, 'the worker registered anew');
      trial.note(`${again!.tasks} tasks were claimed a second time, the longest lay ${longestSeconds.toFixed(1)} s`);
    },
  },
];

/** Lets the COMMIT of every transaction fail that has accepted one of the doomed tasks. */
async function failAtCommit(system: System): Promise<void> {
  await system.ledger.rows(
    `create function public.rolls_back() returns trigger language plpgsql as
     $$ begin raise exception 'made to roll back by a test' using errcode = '23514'; end $$`,
  );
  await system.ledger.rows(
    `create constraint trigger rolls_back after insert on holdfast.task deferrable initially deferred
     for each row when (new.payload ->> 'runMs' = '${DOOMED_MS}') execute function public.rolls_back()`,
  );
}
