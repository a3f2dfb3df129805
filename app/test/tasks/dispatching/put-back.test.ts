import { handle } from '../../../src/tasks';
import type { Worker } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { aborted, gate } from '../support/gate';
import { workerRow } from '../support/task-rows';
import { until } from '../support/until';

const WINDOW = 100;
const queues = [{ name: NOTES.queue }];

let fixture: DispatchFixture;

beforeEach(async () => {
  fixture = await dispatchFixture({ redisUrl: redisUrl(23), window: WINDOW, heartbeatSeconds: 0.5, leaseSeconds: 1 });
});
afterEach(() => fixture.close());

describe('ids of tasks that were claimed before', () => {
  /** Takes ids from the list as workers do. */
  async function take(count: number): Promise<string[]> {
    return (await fixture.redis.lpop(fixture.keys.list(NOTES), count)) ?? [];
  }

  it('come before those that wait, in their order, also while the lane overflows', async () => {
    await fixture.insert(WINDOW + 50);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(30);
    expect(await fixture.putBack(taken)).toBe('pushed');
    expect(await fixture.list()).toEqual(expected.slice(0, WINDOW));
  });

  it('fill a list up to its window; the relay is left the rest', async () => {
    await fixture.insert(WINDOW + 50);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(30);
    await fixture.refill();
    await fixture.redis.rpush(fixture.keys.list(NOTES), ...expected.slice(WINDOW, WINDOW + 20));
    expect(await fixture.putBack(taken)).toBe('left');
    expect(await fixture.list()).toEqual([...taken.slice(0, 10), ...expected.slice(30, WINDOW + 20)]);
    await take(WINDOW);
    await fixture.look();
    expect(await fixture.list()).toEqual(expected.slice(0, WINDOW));
  });

  it('are left to the relay when Redis was emptied', async () => {
    const ids = await fixture.insert(10);
    expect(await fixture.putBack(ids)).toBe('left');
    expect(await fixture.list()).toEqual([]);
  });
});

/** A worker whose only slot is taken by a task that runs until it is told to stop, and the bigint id of that task. */
async function busyWorker(): Promise<{ readonly worker: Worker; readonly id: string }> {
  const started = gate();
  const untilAborted = handle(note, async ({ signal }) => {
    started.open();
    throw await aborted(signal);
  });
  const { id: uuid } = await fixture.tasks.accept(note, { n: 0 });
  const worker = await fixture.tasks.startWorker({ handlers: [untilAborted], queues, concurrency: 1 });
  await started.opened;
  const [task] = await fixture.rows<{ id: string }>('select id from holdfast.task where uuid = $1', [uuid]);
  return { worker, id: task!.id };
}

/** Accepts some more, which nobody is free to take. */
async function othersWait(count: number): Promise<void> {
  await fixture.tasks.acceptMany(note, Array<{ n: number }>(count).fill({ n: 1 }));
  await until('they wait in the list', async () => (await fixture.list()).length === count);
}

it('a task that a stopping worker gives back comes before those that wait', async () => {
  const { worker, id } = await busyWorker();
  await othersWait(20);
  await worker.stop({ deadlineSeconds: 0.1 });
  await until('it is in the list again', async () => (await fixture.list()).length === 21);
  expect((await fixture.list())[0]).toBe(id);
});

it('tasks of a lost worker come before those that wait', async () => {
  const silent = await workerRow(fixture, [`${note.name}@1`]);
  const ledger = new Ledger({ connectionString: fixture.url, max: 1 }, 15, fixture.logger);
  const lost = await fixture.insert(5);
  await new Claimer(ledger, [`${note.name}@1`], [NOTES.queue]).byId(silent, lost);
  await ledger.close();
  const { worker } = await busyWorker();
  await othersWait(20);
  await until('the lost ones are in the list, too', async () => (await fixture.list()).length >= 25);
  expect((await fixture.list()).slice(0, 5).sort()).toEqual(lost.sort());
  await worker.stop({ deadlineSeconds: 0.1 });
});
