import { setTimeout as sleep } from 'node:timers/promises';
import { settlesWithin } from '../../../app/local/servers/wait-until';
import { BURST } from '../inject';
import type { Row } from '../row';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';

/** Tells the tasks of the doomed transactions from all others. */
const DOOMED_MS = 13;
const ROUNDS = 10;
/** A claim whose answer is lost is given back by then. */
const GIVEN_BACK_SECONDS = 10;
/** Of each statement that claims, the answers that are lost. */
const LOST_CLAIMS = { claim_by_id: 5, claim_oldest: 5, claim_suspect: 3 } as const;
/** Every statement is sent once a second or more often by a worker with a slot. */
const CLAIM_SECONDS = 10;
/** Twice the time for which any of these tasks runs, and more. */
const LIES_MS = 1_000;
/** Out of their lanes, as tasks are under which workers were lost; some seconds of work, one after the other. */
const SUSPECTS = { count: 20, runMs: 300, delaySeconds: 3_600 };

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
      let caller: Load | undefined;
      let longestSeconds = 0;
      let claimed: readonly Claimed[] = [];
      await trial.disturb({
        begin: async (load) => {
          caller = load;
          await loseClaim(system, 'claim_by_id');
        },
        last: async () => {
          let untilMs = Infinity;
          const losing = loseClaims(trial, system, { load: caller!, registration }).finally(() => {
            untilMs = Date.now() + 2 * GIVEN_BACK_SECONDS * 1_000;
          });
          const watching = async (): Promise<void> => {
            while (Date.now() < untilMs) {
              const [answer] = await system.ledger.rows<{ seconds: number }>(
                `select coalesce(max(extract(epoch from clock_timestamp() - started_at)), 0)::float8 as seconds
                 from holdfast.task where finished_at is null and state = 'running' and worker_id = $1`,
                [registration],
              );
              longestSeconds = Math.max(longestSeconds, answer!.seconds);
              await sleep(250);
            }
          };
          [claimed] = await Promise.all([losing, watching()]);
          trial.check(
            longestSeconds <= GIVEN_BACK_SECONDS,
            `a task was in the hands of a worker that did not know it for ${longestSeconds.toFixed(1)} s`,
          );
        },
        goesOn: ['accepting', 'working'],
      });
      for (const { statement, ids } of claimed) {
        const again = (await system.ledger.tasks(ids)).filter(({ fence }) => fence > 1).length;
        trial.check(again > 0, `no task of a lost ${statement} was claimed a second time: none was lost`);
        trial.note(`${again} tasks of lost answers to ${statement} were claimed a second time`);
      }
      trial.check((await system.registrationOf(victim)) === registration, 'the worker registered anew');
      trial.note(`the longest lay ${longestSeconds.toFixed(1)} s`);
    },
  },
];

interface Claimed {
  readonly statement: string;
  /** Tasks that the worker did not hear of. */
  readonly ids: readonly string[];
}

/** Of every statement that claims the answers to some are lost, while there is something to claim. */
async function loseClaims(
  trial: Trial,
  system: System,
  { load, registration }: { readonly load: Load; readonly registration: string },
): Promise<Claimed[]> {
  const claimed: Claimed[] = [];
  for (const [statement, times] of Object.entries(LOST_CLAIMS)) {
    await load.post(BURST);
    if (statement === 'claim_suspect') await suspect(system, await trial.post(load, SUSPECTS));
    const ids = new Set<string>();
    for (let i = 0; i < times; i += 1) {
      await loseClaim(system, statement);
      await sleep(LIES_MS);
      for (const id of await liesWith(system, registration)) if (!known(claimed, id)) ids.add(id);
    }
    claimed.push({ statement, ids: [...ids] });
  }
  return claimed;
}

function known(claimed: readonly Claimed[], id: string): boolean {
  return claimed.some(({ ids }) => ids.includes(id));
}

/** Tasks of this worker that run for longer than any that it knows. */
async function liesWith(system: System, registration: string): Promise<string[]> {
  const answer = await system.ledger.rows<{ uuid: string }>(
    `select uuid from holdfast.task where finished_at is null and state = 'running' and worker_id = $1
       and started_at < clock_timestamp() - make_interval(secs => $2::float8 / 1000)`,
    [registration, LIES_MS / 2],
  );
  return answer.map(({ uuid }) => uuid);
}

/** As if their workers had been lost under them twice. */
async function suspect(system: System, ids: readonly string[]): Promise<void> {
  await system.ledger.rows(
    `update holdfast.task set crashes = 2, run_at = 'infinity', resume_at = now() where uuid = any ($1::uuid[])`,
    [ids],
  );
}

/** @throws Error when the worker does not send it: the statement has another name by now. */
async function loseClaim(system: System, statement: string): Promise<void> {
  const lost = system.links(system.workers[0]).postgres.loseAnswerTo(statement);
  if (!(await settlesWithin(lost, CLAIM_SECONDS))) throw new Error(`the worker did not send ${statement}`);
}

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
