import type { Client } from 'pg';
import { TaskStateError } from '../../../src/tasks';
import type { CancelAnswer, Tasks } from '../../../src/tasks';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { CLAIM, FINISH, LEASE } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { untilWaiting } from '../support/waiting';

/* Each statement of a worker is carried out on a connection of its own and not committed when somebody cancels the task. */
describe('cancel is decided by the fence', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;
  let other: Client;
  let worker: string;
  let id: string;
  let uuid: string;
  beforeEach(async () => {
    fixture = await ledgerFixture();
    tasks = openEngine(fixture, undefined);
    other = await fixture.connect();
    worker = await workerRow(fixture);
    [id = ''] = await queueTasks(fixture, 1);
    ({ uuid } = await taskRow(fixture, id));
  });
  afterEach(async () => {
    await tasks.close();
    await fixture.drop();
  });

  const claim = () => other.query(CLAIM.by_id, [worker, ['probe@1'], `{${id}}`, ['default']]);

  /** Cancels while `other` has carried `statement` out, and lets it commit once the cancelling waits for it. */
  async function cancelDuring(
    statement: () => Promise<{ rowCount: number | null }>,
  ): Promise<CancelAnswer | undefined> {
    await other.query('begin');
    expect((await statement()).rowCount).toBe(1);
    const cancelling = tasks.cancel(uuid);
    cancelling.catch(() => undefined);
    await untilWaiting(fixture);
    await other.query('commit');
    return cancelling;
  }

  it('while its claim is open: the task begins, and is asked to stop', async () => {
    expect(await cancelDuring(claim)).toMatchObject({ outcome: 'requested', task: { state: 'running' } });
    expect(await taskRow(fixture, id)).toMatchObject({
      ...{
        state: 'running',
        fence: 1,
        worker_id: worker,
        finished_at: null,
        cancel_requested_at: expect.any(Date) as Date,
      },
    });
    const now = Date.now() / 1_000 - 60;
    const { rows } = await other.query(LEASE.reconcile, [worker, `{${id}}`, '{1}', '{}', now]);
    expect(rows).toMatchObject([{ what: 'cancel', id }]);
  });

  it('while its completion is open: it is done, and the cancelling is told that it came too late', async () => {
    await claim();
    await expect(cancelDuring(() => other.query(FINISH.done, [`{${id}}`, '{1}', '{}']))).rejects.toThrow(
      new TaskStateError(uuid, 'done', 'only a task that is not finished can be cancelled'),
    );
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'done', cancel_requested_at: null });
  });

  it('while it is being given back: it does not start again', async () => {
    await claim();
    const answer = await cancelDuring(() => other.query(FINISH.given_back, [`{${id}}`, '{1}']));
    expect(answer).toMatchObject({ outcome: 'cancelled', task: { state: 'cancelled' } });
    expect((await claim()).rowCount).toBe(0);
  });
});
