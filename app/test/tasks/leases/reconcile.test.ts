import { z } from 'zod';
import { AttemptAborted, defineTask, handle } from '../../../src/tasks';
import type { TaskContext } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { TaskWorker } from '../../../src/tasks/worker';
import { aborted, gate } from '../support/gate';
import type { Gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { LEASE } from '../support/statements';
import { ageClaims, queueTasks, takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const busy = defineTask({ name: 'busy', payload: z.looseObject({}) });
const probe = defineTask({ name: 'probe', payload: z.looseObject({}) });

let fixture: LedgerFixture;
let parts: TestParts;
let worker: TaskWorker;
let slot: Gate;
let seen: TaskContext[];

/** A worker with one slot, which a first task keeps busy until the test opens `slot`. */
beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
  slot = gate();
  seen = [];
  const keepBusy = handle(busy, async (context) => {
    seen.push(context);
    await Promise.race([slot.opened, aborted(context.signal)]);
    context.signal.throwIfAborted();
  });
  const handlers = [keepBusy, handle(probe, () => Promise.resolve())];
  worker = await parts.startWorker({ handlers, queues: [{ name: 'default' }], concurrency: 1 });
  await queueTasks(fixture, 1, { name: 'busy' });
  await until('the slot is taken', () => seen.length === 1);
});
afterEach(async () => {
  slot.open();
  await worker.stop();
  await parts.close();
  await fixture.drop();
});

/** Claims under the worker's id as if the answer had got lost on its way. */
async function claimWithoutAnswer(): Promise<string> {
  const [id] = await queueTasks(fixture, 1);
  const [task] = await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(worker.id, [id!]);
  expect(task).toMatchObject({ id, fence: 1, attempt: 1 });
  return id!;
}

it('a claim whose answer was lost is given back uncounted, and the task is run', async () => {
  const id = await claimWithoutAnswer();
  await ageClaims(fixture, worker.id);

  await until('it is given back', async () => (await taskRow(fixture, id)).state === 'queued');
  expect(await taskRow(fixture, id)).toMatchObject({ fence: 1, attempts: 0, worker_id: null });
  slot.open();
  await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
  expect(await taskRow(fixture, id)).toMatchObject({ fence: 2, attempts: 1 });
});

it('a claim whose answer may still be under way is left alone, and so is a task in hand however long it runs', async () => {
  await ageClaims(fixture, worker.id);
  const id = await claimWithoutAnswer();
  const before = parts.control.answered(LEASE.reconcile);
  // The first may have begun before the claim; the second has seen it.
  await until('the worker has reconciled', () => parts.control.answered(LEASE.reconcile) >= before + 2);

  const { taskId, signal } = seen[0]!;
  for (const left of [id, taskId]) {
    expect(await taskRow(fixture, left)).toMatchObject({ state: 'running', fence: 1, worker_id: worker.id });
  }
  expect(signal.aborted).toBe(false);
});

it('a task that began after the hand was looked at is left alone, however late the comparison arrives', async () => {
  const looked = gate();
  const late = gate();
  parts.control.before(LEASE.reconcile, () => {
    looked.open();
    return late.opened;
  });
  await looked.opened;
  slot.open();
  await until('the slot is free', async () => (await taskRow(fixture, seen[0]!.taskId)).state === 'done');
  slot = gate();
  const [id] = await queueTasks(fixture, 1, { name: 'busy' });
  await until('the next runs', () => seen.length === 2);
  await until('it has run for more than five seconds', async () => {
    const rows = await fixture.rows(
      `select from holdfast.task where id = $1 and started_at < now() - interval '5.5 seconds'`,
      [id],
    );
    return rows.length === 1;
  });
  const before = parts.control.answered(LEASE.reconcile);
  late.open();
  await until('the comparison has arrived', () => parts.control.answered(LEASE.reconcile) > before);
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'running', fence: 1, worker_id: worker.id });
  expect(seen[1]!.signal.aborted).toBe(false);
});

it('a task in hand that is no longer owned is aborted', async () => {
  const { signal, taskId } = seen[0]!;
  await takeAway(fixture, taskId);
  const reason = await aborted(signal);
  expect(reason).toBeInstanceOf(AttemptAborted);
  expect(reason).toMatchObject({ reason: 'lease-lost' });
  const [next] = await queueTasks(fixture, 1);
  await until('its slot is used again', async () => (await taskRow(fixture, next!)).state === 'done');
  expect(await taskRow(fixture, taskId)).toMatchObject({ state: 'running', fence: 2 });
});
