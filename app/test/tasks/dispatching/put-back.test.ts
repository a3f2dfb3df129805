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

  it('come first also when the relay has filled the list again, and nothing that was left out is overtaken', async () => {
    await fixture.insert(WINDOW * 2);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(60);
    await fixture.refill();
    expect(await fixture.list()).toHaveLength(WINDOW);
    expect(await fixture.putBack(taken)).toBe('pushed');
    const done: string[] = [];
    for (let round = 1; round <= 40 && done.length < expected.length; round += 1) {
      const ids = await take(25);
      await fixture.finish(ids);
      done.push(...ids);
      await fixture.refill();
      if (round % 3 === 0) await fixture.look();
    }
    expect(done).toEqual(expected);
  });

  it('may come while the relay fills the list: what finds no room then comes with the next refill', async () => {
    await fixture.insert(WINDOW * 3);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(60);
    // Interleaving: between the relay's look at the list's length and its push.
    await fixture.refill(async () => {
      expect(await fixture.putBack(taken)).toBe('pushed');
    });
    const done: string[] = [];
    for (let round = 1; round <= 40 && done.length < expected.length; round += 1) {
      const ids = await take(60);
      await fixture.finish(ids);
      done.push(...ids);
      await fixture.refill();
    }
    expect(done).toEqual(expected);
  });

  it('come in the ledger’s order, whatever order they are named in', async () => {
    await fixture.insert(30);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(12);
    await fixture.putBack([...taken].reverse());
    expect(await fixture.list()).toEqual(expected);
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
async function othersWait(): Promise<void> {
  const others = await fixture.tasks.acceptMany(note, Array<{ n: number }>(20).fill({ n: 1 }));
  const ids = await fixture.rows<{ id: string }>('select id from holdfast.task where uuid = any ($1)', [
    others.map(({ id }) => id),
  ]);
  await until('they wait in the list', () => areListed(ids.map(({ id }) => id)));
}

async function areListed(ids: readonly string[]): Promise<boolean> {
  const list = await fixture.list();
  return ids.every((id) => list.includes(id));
}

it('a task that a stopping worker gives back comes before those that wait', async () => {
  const { worker, id } = await busyWorker();
  await othersWait();
  await worker.stop({ deadlineSeconds: 0.1 });
  await until('it is in the list again', () => areListed([id]));
  expect((await fixture.list())[0]).toBe(id);
});

it('tasks of a lost worker come before those that wait', async () => {
  const silent = await workerRow(fixture, [`${note.name}@1`]);
  const ledger = new Ledger({ connectionString: fixture.url, max: 1 }, 15, fixture.logger);
  const lost = await fixture.insert(5);
  await new Claimer(ledger, [`${note.name}@1`], [NOTES.queue]).byId(silent, lost);
  await ledger.close();
  const { worker } = await busyWorker();
  await othersWait();
  await until('the lost ones are in the list, too', () => areListed(lost));
  expect((await fixture.list()).slice(0, 5).sort()).toEqual(lost.sort());
  await worker.stop({ deadlineSeconds: 0.1 });
});
