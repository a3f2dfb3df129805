import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { Row } from '../row';
import type { Load } from '../system/load';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { LEASE_SECONDS } from './workers';

/** Tells the tasks of the doomed transactions from all others. */
const DOOMED_MS = 13;
const CALLERS = 50;
const ROUNDS = 10;
/** Tasks that hold a unique key one after the other, while its callers go on. */
const HOLDERS = 3;
const HOLDERS_SECONDS = 30;
/** How long the tasks of a unique key run: callers come before, while and after it runs. */
const HELD_MS = 300;
/** Of one caller: together they ask some 250 times a second. */
const BETWEEN_CALLS_MS = 200;
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
  {
    id: 'P18',
    fault: `${CALLERS} callers accept under one uniqueKey / requestKey while it runs, ends, is pruned`,
    mustHold: 'one task at a time holds a unique key, one request key is one acceptance, no deadlock',
    run: async (trial, system) => {
      const deadlocksBefore = await deadlocks(system);
      let caller: Load | undefined;
      await trial.disturb({
        begin: async (load) => {
          caller = load;
          await underOneRequestKey(trial, load);
        },
        last: async () => {
          for (let round = 0; round < ROUNDS; round += 1) await underOneUniqueKey(trial, system, caller!, round);
        },
        goesOn: ['accepting', 'working'],
      });
      const found = (await deadlocks(system)) - deadlocksBefore;
      trial.check(found === 0, `PostgreSQL found ${found} deadlocks`);
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

/** All are answered with the same ids. */
async function underOneRequestKey(trial: Trial, load: Load): Promise<void> {
  const key = { 'idempotency-key': 'one of many callers' };
  const answers = await Promise.all(Array.from({ length: CALLERS }, () => load.ask({ count: 2, runMs: HELD_MS }, key)));
  const different = new Set(answers.map(({ status, taskIds }) => `${status} ${taskIds.join()}`));
  trial.check(different.size === 1, `one request key was answered ${[...different].join(' and ')}`);
  load.acknowledged(answers[0]!);
}

/** Callers come all the time while its task waits, runs, ends and is pruned; then another task may hold the key. */
async function underOneUniqueKey(trial: Trial, system: System, load: Load, round: number): Promise<void> {
  const key = `key-${round}`;
  const ids = new Set<string>();
  const pruned = new Map<string, Ended>();
  const untilMs = Date.now() + HOLDERS_SECONDS * 1_000;
  const callers = Array.from({ length: CALLERS }, async () => {
    while (ids.size < HOLDERS && Date.now() < untilMs) {
      const { status, taskIds } = await load.ask({
        ...{ count: 1, runMs: HELD_MS, priority: 'high', uniqueKey: { key, until: 'finish' } },
      });
      const refused = status === 503;
      trial.check(refused || (status === 202 && taskIds.length === 1), `a caller was answered ${status}`);
      for (const id of taskIds) ids.add(id);
      await sleep(BETWEEN_CALLS_MS);
    }
  });
  const prune = async (): Promise<void> => {
    for (const each of await pruneEnded(system, key)) pruned.set(each.uuid, each);
  };
  const called = Promise.all(callers).then(() => true);
  while (!(await Promise.race([called, sleep(50, false)]))) await prune();
  await waitUntil(
    'every holder has ended',
    async () => {
      await prune();
      return [...ids].every((id) => pruned.has(id));
    },
    { limitSeconds: 2 * LEASE_SECONDS, everyMilliseconds: 50 },
  );
  const ends = [...pruned.values()].sort((a, b) => a.startedMs - b.startedMs);
  const overlaps = ends.filter(({ startedMs }, i) => i > 0 && startedMs < ends[i - 1]!.finishedMs);
  trial.check(overlaps.length === 0, `${overlaps.length} tasks ran while another held ${key}`);
  const wrong = ends.filter(({ state, effects }) => state !== 'done' || effects !== 1);
  trial.check(wrong.length === 0, `${wrong.length} holders of ${key} are not done with exactly one effect`);
  trial.check(ends.length >= HOLDERS, `${key} was held by ${ends.length} tasks only`);
  trial.check(ends.length === ids.size, `${ends.length} tasks held ${key}, ${ids.size} ids were answered`);
}

interface Ended {
  readonly uuid: string;
  readonly state: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  readonly effects: number;
}

/** What the engine does with a task after its retention; the effects go too, as nothing knows them afterwards. */
async function pruneEnded(system: System, key: string): Promise<Ended[]> {
  return system.ledger.rows<Ended>(
    `with gone as (delete from holdfast.task where unique_key = $1 and finished_at is not null returning *),
          effect as (delete from app.probe_effect e using gone where e.task_id = gone.uuid returning e.task_id)
     select uuid, state, (extract(epoch from started_at) * 1000)::float8 as "startedMs",
            (extract(epoch from finished_at) * 1000)::float8 as "finishedMs",
            (select count(*)::int from effect where task_id = gone.uuid) as effects
     from gone`,
    [key],
  );
}

async function deadlocks(system: System): Promise<number> {
  const [answer] = await system.ledger.rows<{ found: number }>(
    'select deadlocks::int as found from pg_stat_database where datname = current_database()',
  );
  return answer!.found;
}
