import { z } from 'zod';
import { AttemptAborted, defineTask, handle } from '../../../src/tasks';
import type { TaskContext } from '../../../src/tasks';
import { Lease } from '../../../src/tasks/leases/lease';
import { monotonicMs } from '../../../src/tasks/pause';
import { InHand } from '../../../src/tasks/running/in-hand';
import type { TaskWorker } from '../../../src/tasks/worker';
import { cuttingProxy } from '../support/cutting-proxy';
import { connectionRefused } from '../support/disturbed-ledger';
import { aborted, gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { LEASE } from '../support/statements';
import { queueTasks, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const probe = defineTask({ name: 'probe', payload: z.looseObject({}) });
const waits = defineTask({ name: 'waits', payload: z.looseObject({}) });

let fixture: LedgerFixture;
let parts: TestParts;

beforeEach(async () => {
  fixture = await ledgerFixture();
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

interface RegisteredWorker {
  readonly beat: string;
  readonly expired_at: Date | null;
}

async function workerOf(id: string): Promise<RegisteredWorker> {
  const [row] = await fixture.rows<RegisteredWorker>('select beat, expired_at from holdfast.worker where id = $1', [
    id,
  ]);
  return row!;
}

function startWorker(...handlers: Parameters<typeof handle<typeof waits>>[1][]): Promise<TaskWorker> {
  return parts.startWorker({
    handlers: [handle(probe, () => Promise.resolve()), ...handlers.map((run) => handle(waits, run))],
    queues: [{ name: 'default' }],
    concurrency: 2,
  });
}

it('a lease counts from before its heartbeat was sent: a late answer, although positive, gives none', async () => {
  const leaseSeconds = 0.5;
  parts = workerParts(fixture.url, { leaseSeconds, heartbeatSeconds: 600 });
  const lease = new Lease({
    ...parts,
    ledger: parts.control,
    inHand: new InHand(),
    queues: ['default'],
    kinds: ['probe@1'],
    concurrency: 1,
    workerKind: 'default',
    describe: () => ({ running: 0, source: 'postgres', draining: false, hung: false }),
    onHung: () => undefined,
    onLost: () => undefined,
    onGivenBack: () => undefined,
  });
  await lease.begin();
  expect(lease.valid).toBe(true);

  const answer = gate();
  const taken = gate();
  parts.control.after(LEASE.beat, () => {
    taken.open();
    return answer.opened;
  });
  const sentAtMs = monotonicMs();
  const beating = lease.beat();
  await taken.opened;
  expect(await workerOf(lease.id)).toMatchObject({ beat: '1', expired_at: null });
  await until('a whole lease is over', () => monotonicMs() > sentAtMs + leaseSeconds * 1000);
  answer.open();
  await beating;
  expect(lease.valid).toBe(false);

  parts.control.heal();
  await lease.beat();
  expect(lease.valid).toBe(true);
  await lease.end(1_000);
});

it('past its lease a worker aborts its tasks and claims nothing until a heartbeat is taken', async () => {
  parts = workerParts(fixture.url, { leaseSeconds: 1.2 });
  const running: TaskContext[] = [];
  const worker = await startWorker(async (context) => {
    running.push(context);
    await aborted(context.signal);
    context.signal.throwIfAborted();
  });
  await queueTasks(fixture, 1, { name: 'waits' });
  await until('it runs', () => running.length === 1);

  parts.control.before(LEASE.beat, connectionRefused);
  const reason = await aborted(running[0]!.signal);
  expect(reason).toBeInstanceOf(AttemptAborted);
  expect(reason).toMatchObject({ reason: 'lease-lost' });

  const [id] = await queueTasks(fixture, 1);
  const tries = parts.control.count(LEASE.beat);
  await until('two more heartbeats were not taken', () => parts.control.count(LEASE.beat) >= tries + 2);
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', fence: 0 });

  parts.control.heal();
  await until('it works again', async () => (await taskRow(fixture, id!)).state === 'done');
  expect(parts.counters.leaseLost).toBe(1);
  await worker.stop({ deadlineSeconds: 0 });
});

it('what a worker dropped when it lost its lease is run again, although other tasks of it ended since', async () => {
  parts = workerParts(fixture.url, { leaseSeconds: 1.2 });
  const running: TaskContext[] = [];
  const stubborn = gate();
  const worker = await startWorker(async (context) => {
    running.push(context);
    if (context.attempt > 1 || running.length > 2) return;
    if (running.length === 1) await stubborn.opened;
    else throw await aborted(context.signal);
  });
  const [kept] = await queueTasks(fixture, 1, { name: 'waits' });
  await until('the first runs', () => running.length === 1);
  const [dropped] = await queueTasks(fixture, 1, { name: 'waits' });
  await until('the second runs', () => running.length === 2);

  parts.control.before(LEASE.beat, connectionRefused);
  // It is not expired by others: the fence still allows everything.
  parts.control.before(LEASE.expire, connectionRefused);
  await aborted(running[1]!.signal);
  // One that does not care for its signal ends all the same, and its end is written.
  stubborn.open();
  await until('the first is done', async () => (await taskRow(fixture, kept!)).state === 'done');
  parts.control.heal();
  await fixture.pool.query(`update holdfast.claim set claimed_at = claimed_at - interval '1 minute'`);
  await fixture.pool.query(`update holdfast.task set started_at = started_at - interval '1 minute'`);
  await until('the second is done as well', async () => (await taskRow(fixture, dropped!)).state === 'done');
  await worker.stop();
});

it('an id that others expired never comes back: the worker goes on under a new one', async () => {
  parts = workerParts(fixture.url, { leaseSeconds: 1.2 });
  const running: TaskContext[] = [];
  const worker = await startWorker(async (context) => {
    running.push(context);
    if (running.length === 1) throw await aborted(context.signal);
  });
  const [taken] = await queueTasks(fixture, 1, { name: 'waits' });
  await until('it runs', () => running.length === 1);
  const first = worker.id;
  await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [first]);

  expect(await aborted(running[0]!.signal)).toMatchObject({ reason: 'lease-lost' });
  await until('it has a new id', () => worker.id !== first);
  expect((await workerOf(first)).expired_at).not.toBeNull();
  const beats = (await workerOf(first)).beat;
  await until('what it ran is done under the new id', async () => (await taskRow(fixture, taken!)).state === 'done');
  const { fence, worker_id: doneBy } = await taskRow(fixture, taken!);
  expect(fence).toBeGreaterThan(1);
  expect(doneBy).not.toBe(first);
  expect(await workerOf(first)).toMatchObject({ beat: beats });
  await worker.stop();
});

it('no load keeps a heartbeat waiting: tasks that hold every connection do not cost the lease', async () => {
  parts = workerParts(fixture.url, { leaseSeconds: 1.2, max: 2 });
  const release = gate();
  let holding = 0;
  const worker = await startWorker(async (context) => {
    await context.transaction(async (tx) => {
      holding += 1;
      while (!((await Promise.race([release.opened.then(() => true), tx.query('select pg_sleep(0.05)')])) === true));
    });
  });
  const ids = await queueTasks(fixture, 2, { name: 'waits' });
  await until('all connections are held', () => holding === 2);
  const { id } = worker;
  const before = Number((await workerOf(id)).beat);
  await until('heartbeats of more than a lease', async () => Number((await workerOf(id)).beat) >= before + 4);
  release.open();
  for (const task of ids) await until('both are done', async () => (await taskRow(fixture, task)).state === 'done');
  expect(worker.id).toBe(id);
  expect(parts.counters.leaseLost).toBe(0);
  await worker.stop();
});

it('one connection that goes silent costs no lease: the heartbeat on it is sent again at once on a new one', async () => {
  const proxy = await cuttingProxy(fixture.url);
  const leaseSeconds = 3;
  parts = workerParts(proxy.url, { leaseSeconds });
  const others = workerParts(fixture.url, { leaseSeconds });
  const running: TaskContext[] = [];
  const release = gate();
  const worker = await startWorker(async (context) => {
    running.push(context);
    await release.opened;
  });
  const nothing = { handlers: [handle(probe, () => Promise.resolve())], queues: [{ name: 'elsewhere' }] };
  await others.startWorker(nothing);
  const { id } = worker;
  const [task] = await queueTasks(fixture, 1, { name: 'waits' });
  await until('it runs', () => running.length === 1);

  await proxy.swallow('set beat = beat + 1');
  const silentMs = monotonicMs();
  await until('longer than a lease is over', () => monotonicMs() - silentMs > leaseSeconds * 1500);
  expect(running[0]!.signal.aborted).toBe(false);
  expect(parts.counters.leaseLost + others.counters.reaped).toBe(0);
  expect(worker.id).toBe(id);
  release.open();
  await until('it is done', async () => (await taskRow(fixture, task!)).state === 'done');
  expect(await taskRow(fixture, task!)).toMatchObject({ fence: 1, attempts: 1 });
  await worker.stop();
  await others.close();
  await proxy.close();
});

it('a worker that stops signs off, so that nobody has to wait for its lease', async () => {
  parts = workerParts(fixture.url);
  const worker = await startWorker();
  expect((await workerOf(worker.id)).expired_at).toBeNull();
  await worker.stop();
  expect((await workerOf(worker.id)).expired_at).not.toBeNull();
});
