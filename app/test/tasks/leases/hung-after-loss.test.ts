import { z } from 'zod';
import { defineTask, handle, HungHandlerError } from '../../../src/tasks';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { queueTasks, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const hangs = defineTask({ name: 'hangs', payload: z.object({}) });
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

it('a handler that ignores its signal after its lease was lost is found at its time limit: its worker takes no more and says so', async () => {
  const [begun, lost, release] = [gate(), gate(), gate()];
  const worker = await parts.startWorker({
    handlers: [
      handle(hangs, async ({ signal, attempt, taskId }) => {
        if (attempt > 1 || taskId !== stuck) return;
        signal.addEventListener('abort', () => lost.open());
        begun.open();
        await release.opened;
      }),
    ],
    queues,
    concurrency: 2,
  });
  await worker.pause();
  const [id] = await queueTasks(fixture, 1, { name: 'hangs' });
  await fixture.pool.query('update holdfast.task set time_limit_seconds = 1');
  const stuck = (await taskRow(fixture, id!)).uuid;
  worker.resume();
  await begun.opened;
  const before = worker.id;
  await fixture.pool.query('update holdfast.worker set expired_at = now() where id = $1', [before]);
  await worker.pause(); // Which sends a heartbeat, and learns that the id has expired.
  await lost.opened;
  expect(worker.id).not.toBe(before);
  expect(worker.running).toBe(0);

  const error = await worker.failed;
  expect(error).toBeInstanceOf(HungHandlerError);
  expect(error.message).toContain(stuck);
  // Not even when it is let go on: nobody knows what the handler does.
  worker.resume();
  const [later] = await queueTasks(fixture, 1, { name: 'hangs' });
  const other = await parts.startWorker({ handlers: [handle(hangs, () => Promise.resolve())], queues });
  await until('others have done it', async () => (await taskRow(fixture, later!)).state === 'done');
  expect((await taskRow(fixture, later!)).worker_id).not.toBe(worker.id);
  await until('and the one that was lost', async () => (await taskRow(fixture, id!)).state === 'done');
  release.open();
  await other.stop();
}, 30_000);
