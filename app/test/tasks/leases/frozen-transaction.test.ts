import { randomUUID } from 'node:crypto';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { Finisher } from '../../../src/tasks/finishing/finisher';
import { Reaper } from '../../../src/tasks/leases/reaper';
import { InHand } from '../../../src/tasks/running/in-hand';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { FINISH } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const LEASE_SECONDS = 1.5;

let fixture: LedgerFixture;
let parts: TestParts;
let tasks: ClaimedTask[];

/** Three running tasks of a worker that has been expired: frozen, as the others see it. */
beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url, { leaseSeconds: LEASE_SECONDS });
  const frozen = await workerRow(fixture);
  const ids = await queueTasks(fixture, 3);
  tasks = await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(frozen, ids);
  expect(tasks).toHaveLength(3);
  await fixture.pool.query('update holdfast.worker set expired_at = now()');
  await fixture.pool.query('create table effect (task_id bigint)');
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

async function stateOf(task: ClaimedTask | undefined): Promise<string> {
  return (await taskRow(fixture, task!.id)).state;
}

it('a worker frozen between its completing update and COMMIT does not keep others from reaping', async () => {
  const [first, held, last] = tasks;
  const session = await fixture.connect();
  await session.query('begin');
  await session.query(FINISH.done_one, [held!.id, held!.fence, null]);

  const reaper = new Reaper({ ...parts, ledger: parts.control, workerId: randomUUID });
  reaper.start();
  await until(
    'the others are taken back',
    async () => (await stateOf(first)) === 'queued' && (await stateOf(last)) === 'queued',
  );
  expect(await stateOf(held)).toBe('running');

  await session.query('rollback');
  await until('the one that it held is taken back', async () => (await stateOf(held)) === 'queued');
  await reaper.stop();
});

it('a late COMMIT of the frozen worker counts when nobody has its task yet, and then nobody gets it', async () => {
  const [, held] = tasks;
  const session = await fixture.connect();
  await session.query('begin');
  await session.query(FINISH.done_one, [held!.id, held!.fence, null]);
  const reaper = new Reaper({ ...parts, ledger: parts.control, workerId: randomUUID });
  reaper.start();
  await until('the reaper was there', () => parts.counters.reaped === 2);
  await session.query('commit');
  await until('its claim is forgotten', async () => (await fixture.rows('select from holdfast.claim')).length === 0);
  expect(await taskRow(fixture, held!.id)).toMatchObject({ state: 'done', fence: 1 });
  await reaper.stop();
});

it('PostgreSQL ends a session of the engine that idles in a transaction before the lease does', async () => {
  const show = `select setting::integer as ms from pg_settings where name = 'idle_in_transaction_session_timeout'`;
  for (const ledger of [parts.ledger, parts.control]) {
    const { ms } = (await ledger.query<{ ms: number }>(show)).rows[0]!;
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThan(LEASE_SECONDS * 1000);
  }
});

it('a completing transaction that froze is ended, its row is free for others, and its late effects change nothing', async () => {
  const [task] = tasks;
  const inHand = new InHand();
  const finisher = new Finisher(
    parts.ledger,
    (fn) => parts.ledger.transaction(fn),
    inHand,
    parts.counters,
    parts.logger,
  );
  const frozen = gate();
  const thawed = gate();
  const ending = finisher.doneWithEffects(task!, async (tx) => {
    await tx.query('insert into effect values ($1)', [task!.id]);
    frozen.open();
    await thawed.opened;
  });
  await frozen.opened;
  const reaper = new Reaper({ ...parts, ledger: parts.control, workerId: randomUUID });
  reaper.start();
  await until('others have the task', async () => (await stateOf(task)) === 'queued');
  await reaper.stop();
  const heir = await workerRow(fixture);
  await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(heir, [task!.id]);

  thawed.open();
  expect(await ending).toBe('fenced-off');
  expect(await taskRow(fixture, task!.id)).toMatchObject({ state: 'running', fence: 2, worker_id: heir });
  expect(await fixture.rows('select from effect')).toEqual([]);
});
