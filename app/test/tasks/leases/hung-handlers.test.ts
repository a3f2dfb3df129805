import { z } from 'zod';
import { defineTask, handle, HungHandlerError } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Overdue } from '../../../src/tasks/leases/overdue';
import { connectionRefused } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { LEASE } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const hangs = defineTask({
  name: 'hangs',
  payload: z.object({}),
  timeLimitSeconds: 1,
  backoff: { firstSeconds: 0, jitter: 0 },
});
const long = defineTask({ name: 'long', payload: z.object({}) });
const queues = [{ name: 'default' }];

let fixture: LedgerFixture;
let parts: TestParts;

beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

async function isHung(workerId: string): Promise<boolean> {
  return (
    (await fixture.rows('select from holdfast.worker where id = $1 and hung_at is not null', [workerId])).length === 1
  );
}

it('a handler that ignores its signal: others run the task, its worker takes no more, ends the rest and says that it has failed', async () => {
  const [release, hung] = [gate(), gate()];
  const stuck = handle(hangs, () => {
    hung.open();
    return release.opened;
  });
  const patient = handle(long, () => release.opened);
  const first = await parts.startWorker({ handlers: [stuck, patient], queues, concurrency: 5 });
  const [id] = await queueTasks(fixture, 1, { name: 'hangs' });
  const [rest] = await queueTasks(fixture, 1, { name: 'long' });
  await fixture.pool.query(`update holdfast.task set time_limit_seconds = 1 where name = 'hangs'`);
  await hung.opened;
  await until('the other one runs', async () => (await taskRow(fixture, rest!)).state === 'running');
  await first.pause();
  await parts.startWorker({ handlers: [handle(hangs, () => Promise.resolve())], queues });
  first.resume();

  const error = await first.failed;
  expect(error).toBeInstanceOf(HungHandlerError);
  expect(error.message).toContain((await taskRow(fixture, id!)).uuid);
  await until('the worker is marked', () => isHung(first.id));
  await until('others have done it', async () => (await taskRow(fixture, id!)).state === 'done');
  expect(await taskRow(fixture, id!)).toMatchObject({ attempts: 2, fence: 2 });
  expect(parts.logger.saying('takes no more tasks: a handler hangs')).toHaveLength(1);

  // Not even when somebody who knows nothing of it lets it go on.
  first.resume();
  const [later] = await queueTasks(fixture, 1, { name: 'long' });
  const [another] = await queueTasks(fixture, 1, { name: 'hangs' });
  await until('the other worker works', async () => (await taskRow(fixture, another!)).state === 'done');
  expect(await taskRow(fixture, later!)).toMatchObject({ state: 'queued', fence: 0 });

  const stopped = first.stop({ deadlineSeconds: 20 });
  release.open();
  await stopped;
  expect(await taskRow(fixture, rest!)).toMatchObject({ state: 'done', fence: 1 });
}, 30_000);

it('a worker that others found to hang is told with its next heartbeat', async () => {
  const worker = await parts.startWorker({ handlers: [], queues });
  await fixture.pool.query('update holdfast.worker set hung_at = now()');
  await worker.pause(); // Which sends a heartbeat.
  expect((await worker.failed).message).toMatch(/past its time limit/);
  expect(worker.running).toBe(0);
});

describe('an attempt that its living worker does not end half a minute after its time limit', () => {
  let overdue: Overdue;
  let holder: string;
  beforeEach(async () => {
    overdue = new Overdue({ ledger: parts.control, logger: parts.logger });
    holder = await workerRow(fixture);
  });

  /** Claimed that long ago; its time limit is a minute. */
  async function claimed(secondsAgo: number, attempts = 5): Promise<string> {
    const [id] = await queueTasks(fixture, 1, { attempts });
    await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(holder, [id!]);
    for (const [table, column, key] of [
      ['task', 'started_at', 'id = $1'],
      ['claim', 'claimed_at', '$1 = any (task_ids)'],
    ] as const) {
      const back = `update holdfast.${table} set ${column} = ${column} - make_interval(secs => $2) where ${key}`;
      await fixture.pool.query(back, [id, secondsAgo]);
    }
    return id!;
  }

  it('is taken back as a failed attempt that counts, and the worker is marked', async () => {
    const [late, timely] = [await claimed(95), await claimed(85)];
    expect(await overdue.look()).toEqual([]);
    expect(await overdue.look()).toMatchObject([{ id: late, state: 'queued' }]);
    expect(await taskRow(fixture, late)).toMatchObject({ state: 'queued', attempts: 1, crashes: 0, worker_id: null });
    expect((await taskRow(fixture, late)).error).toMatch(/^time-limit/);
    expect(await fixture.rows('select task_id, fence, worker_id from holdfast.attempt')).toEqual([
      { task_id: late, fence: 1, worker_id: holder },
    ]);
    expect(await isHung(holder)).toBe(true);
    expect(await taskRow(fixture, timely)).toMatchObject({ state: 'running', worker_id: holder });
    expect(parts.logger.saying('did not end a task at its time limit')).toHaveLength(1);
  });

  it('is dead when it was the last of its budget', async () => {
    const id = await claimed(95, 1);
    await overdue.look();
    expect(await overdue.look()).toMatchObject([{ state: 'dead' }]);
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'dead', dead_reason: 'attempts-exhausted', attempts: 1 });
  });

  it('is left alone when it ended between the look and the taking', async () => {
    const id = await claimed(95);
    await overdue.look();
    parts.control.before(LEASE.take_overdue, async () => {
      await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now() where id = $1`, [id]);
    });
    expect(await overdue.look()).toEqual([]);
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'done' });
    expect(await isHung(holder)).toBe(false);
  });

  it('is not held against the worker when PostgreSQL was away in between', async () => {
    await claimed(95);
    await overdue.look();
    parts.control.before(LEASE.overdue, connectionRefused);
    await expect(overdue.look()).rejects.toThrow();
    overdue.forget();
    parts.control.heal();
    expect(await overdue.look()).toEqual([]);
  });

  it('is looked for among the claims alone, whatever the backlog', async () => {
    await claimed(95);
    await queueTasks(fixture, 20_000);
    const client = await fixture.connect();
    for (const prepare of ['select', 'analyze holdfast.task']) {
      await client.query(prepare);
      const plan = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, timing off) ${LEASE.overdue}`, [30]);
      const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(text).toMatch(/Index Scan (using|on) task_pkey .*\(actual rows=1(\.00)? /);
      expect(text).not.toMatch(/Seq Scan on task/);
    }
  });
});
