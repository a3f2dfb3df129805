import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { Finisher } from '../../../src/tasks/finishing/finisher';
import { cuttingProxy } from '../support/cutting-proxy';
import type { CuttingProxy } from '../support/cutting-proxy';
import { claimedTasks, failureOf, finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { FINISH } from '../support/statements';
import { takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

/** Any number: the lock that COMMIT waits for in here. */
const LOCK = 4711;

let fixture: LedgerFixture;
let proxy: CuttingProxy;
let parts: TestParts;
let finisher: Finisher;
let task: ClaimedTask;
let calls: number;

beforeEach(async () => {
  fixture = await ledgerFixture();
  proxy = await cuttingProxy(fixture.url);
  parts = workerParts(proxy.url);
  finisher = finisherOf(parts);
  [task] = (await claimedTasks(fixture, parts, 1)) as [ClaimedTask];
  calls = 0;
  await fixture.pool.query('create table effect (task_id bigint); create sequence commits');
});
afterEach(async () => {
  await parts.close();
  await proxy.close();
  await fixture.drop();
});

/** What the first COMMIT with an effect does before it is one. */
async function atFirstCommit(statement: string): Promise<void> {
  await fixture.pool.query(`
    create function at_commit() returns trigger language plpgsql as $$ begin
      if nextval('commits') = 1 then ${statement}; end if;
      return null;
    end $$;
    create constraint trigger at_commit after insert on effect deferrable initially deferred
      for each row execute function at_commit()`);
}

function completeWithEffect(): Promise<string> {
  return finisher.doneWithEffects(task, async (tx) => {
    calls += 1;
    await tx.query('insert into effect values ($1)', [task.id]);
  });
}

async function expectOneEffect(): Promise<void> {
  expect(await fixture.rows('select task_id from effect')).toEqual([{ task_id: task.id }]);
  expect(await taskRow(fixture, task.id)).toMatchObject({ state: 'done', fence: 1, attempts: 1 });
}

it('the connection ends at COMMIT and the transaction with it: the effect happens once, at the second try', async () => {
  await atFirstCommit('perform pg_terminate_backend(pg_backend_pid())');
  expect(await completeWithEffect()).toBe('done');
  expect(calls).toBe(2);
  await expectOneEffect();
});

it('COMMIT happened and its answer was lost: done under the own fence is success, and nothing is repeated', async () => {
  const sent = proxy.loseAnswerTo('commit');
  const ending = completeWithEffect();
  await sent;
  await until('the commit has happened', async () => (await taskRow(fixture, task.id)).state === 'done');
  proxy.cut();
  expect(await ending).toBe('done');
  expect(calls).toBe(1);
  await expectOneEffect();
});

it('COMMIT is still under way when its connection is lost: it is tried again until that ends, and then dropped as done', async () => {
  await atFirstCommit(`perform pg_advisory_xact_lock(${LOCK})`);
  const holder = await fixture.connect();
  await holder.query('select pg_advisory_lock($1)', [LOCK]);
  const sent = proxy.loseAnswerTo('commit');
  const ending = completeWithEffect();
  await sent;
  const waiting = (what: string): Promise<unknown> =>
    until(`${what} waits`, async () => {
      const rows = await fixture.rows(
        `select from pg_locks where not granted and locktype = $1
           and pid in (select pid from pg_stat_activity where datname = current_database())`,
        [what],
      );
      return rows.length === 1;
    });
  await waiting('advisory');
  proxy.cut();
  await until('it was tried again', () => parts.ledger.answered(FINISH.outcome) >= 2);
  await holder.query('select pg_advisory_unlock($1)', [LOCK]);

  expect(await ending).toBe('done');
  await expectOneEffect();
  expect(parts.counters).toMatchObject({ done: 1, fencedOff: 0 });
});

it('the answer to a batch of completions was lost: done under the own fence is success', async () => {
  const sent = proxy.loseAnswerTo(`set state = 'done'`);
  const ending = finisher.done(task);
  await sent;
  await until('it is done', async () => (await taskRow(fixture, task.id)).state === 'done');
  proxy.cut();
  expect(await ending).toBe('done');
});

it('the answer to a failure was lost: it is counted once', async () => {
  const sent = proxy.loseAnswerTo('insert into holdfast.attempt');
  const ending = finisher.failed(failureOf(task));
  await sent;
  await until('it is queued', async () => (await taskRow(fixture, task.id)).state === 'queued');
  proxy.cut();
  await ending;
  expect(await fixture.rows('select fence from holdfast.attempt')).toEqual([{ fence: 1 }]);
  expect(await taskRow(fixture, task.id)).toMatchObject({ state: 'queued', attempts: 1, fence: 1 });
});

it('the connection ends at COMMIT and another worker has the task by then: the effect does not happen', async () => {
  await atFirstCommit('perform pg_terminate_backend(pg_backend_pid())');
  // Between the lost connection and the second try.
  let taken = false;
  parts.ledger.before(FINISH.outcome, async () => {
    if (!taken) await takeAway(fixture, task.id);
    taken = true;
  });
  expect(await completeWithEffect()).toBe('fenced-off');
  expect(await fixture.rows('select from effect')).toEqual([]);
  expect(await taskRow(fixture, task.id)).toMatchObject({ state: 'running', fence: 2 });
});
