import { handle } from '../../../src/tasks';
import type { Worker } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { waitUntil } from '../../../local/servers/wait-until';
import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note, NOTES } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { aborted, gate } from '../support/gate';
import { ageClaims, workerRow } from '../support/task-rows';
import { until } from '../support/until';

const WINDOW = 100;
const queues = [{ name: NOTES.queue }];

let fixture: DispatchFixture;

beforeEach(async () => {
  fixture = await dispatchFixture({ redisUrl: redisUrl(23), window: WINDOW, heartbeatSeconds: 0.5, leaseSeconds: 2 });
});
afterEach(() => fixture.close());

describe('ids of tasks that were claimed before', () => {
  /** Takes ids from the list as workers do. */
  async function take(count: number): Promise<string[]> {
    return (await fixture.redis.lpop(fixture.keys.list(NOTES), count)) ?? [];
  }

  /** Takes and finishes everything as workers do while the relay refills, and looks now and then. */
  async function drain(atOnce: number, lookEvery = Infinity): Promise<string[]> {
    const done: string[] = [];
    for (let round = 1; round <= 40; round += 1) {
      const ids = await take(atOnce);
      await fixture.finish(ids);
      done.push(...ids);
      await fixture.refill();
      if (round % lookEvery === 0) await fixture.look();
    }
    return done;
  }

  it('come before those that wait, in their order, also while the lane overflows', async () => {
    await fixture.insert(WINDOW + 50);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(30);
    expect(await fixture.putBack(taken)).toBe('pushed');
    expect(await fixture.list()).toEqual(expected.slice(0, WINDOW));
  });

  it('come first also in a full list, which loses its last ones for them, and the relay brings these back', async () => {
    await fixture.insert(WINDOW * 2);
    const expected = await fixture.due();
    await fixture.look();
    const taken = await take(60);
    await fixture.refill();
    expect(await fixture.list()).toHaveLength(WINDOW);
    expect(await fixture.putBack(taken)).toBe('pushed');
    expect(await fixture.list()).toEqual(expected.slice(0, WINDOW));
    const done = await drain(25, 3);
    expect(done.slice(0, WINDOW)).toEqual(expected.slice(0, WINDOW));
    expect([...new Set(done)].sort()).toEqual([...expected].sort());
  });

  it.each([60, 30])(
    'may come while the relay fills the list, %i for 60 places: what finds no room then comes with the next refill',
    async (count) => {
      await fixture.insert(WINDOW * 3);
      const expected = await fixture.due();
      await fixture.look();
      const taken = await take(60);
      await fixture.finish(taken.slice(count));
      // Interleaving: between the relay's look at the list's length and its push.
      await fixture.refill(async () => {
        expect(await fixture.putBack(taken.slice(0, count))).toBe('pushed');
      });
      expect(await fixture.list()).toHaveLength(WINDOW);
      const done = await drain(60);
      expect(done).toEqual([...taken.slice(0, count), ...expected.slice(60)]);
    },
  );

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
  // Claimed from the ledger, it may still be there.
  await fixture.redis.lrem(fixture.keys.list(NOTES), 0, id);
  await worker.stop({ deadlineSeconds: 0.1 });
  await until('it is in the list again', () => areListed([id]));
  expect((await fixture.list())[0]).toBe(id);
});

/** Tasks that a worker elsewhere has claimed, oldest first. */
async function claimedElsewhere(worker: string, count: number): Promise<string[]> {
  const ledger = new Ledger({ connectionString: fixture.url, max: 1 }, 15, fixture.logger);
  const ids = await fixture.insert(count);
  await new Claimer(ledger, [`${note.name}@1`], [NOTES.queue]).byId(worker, ids);
  await ledger.close();
  // The relay may have handed them over before that.
  for (const id of ids) await fixture.redis.lrem(fixture.keys.list(NOTES), 0, id);
  return ids;
}

it('tasks of a lost worker come before those that wait', async () => {
  const { worker } = await busyWorker();
  await othersWait();
  const lost = await claimedElsewhere(await workerRow(fixture, [`${note.name}@1`]), 5);
  await until('they are the first of the list', async () => {
    return (await fixture.list()).slice(0, lost.length).join() === lost.join();
  });
  await worker.stop({ deadlineSeconds: 0.1 });
});

it('a task that went on past its time limit comes behind those that wait', async () => {
  const { worker } = await busyWorker();
  await othersWait();
  // The first worker by its id looks for such tasks: not this one.
  const elsewhere = 'ffffffff-ffff-4fff-bfff-ffffffffffff';
  await fixture.pool.query('update holdfast.worker set id = $1 where id = $2', [
    elsewhere,
    await workerRow(fixture, [`${note.name}@1`]),
  ]);
  const [overdue] = await claimedElsewhere(elsewhere, 1);
  // Each time a minute.
  for (let minutes = 1; minutes <= 3; minutes += 1) await ageClaims(fixture, elsewhere);
  await waitUntil(
    'it is in the list',
    async () => {
      await fixture.pool.query('update holdfast.worker set beat = beat + 1 where id = $1', [elsewhere]);
      return areListed([overdue!]);
    },
    { limitSeconds: 45, everyMilliseconds: 200 },
  );
  expect((await fixture.list()).at(-1)).toBe(overdue);
  await worker.stop({ deadlineSeconds: 0.1 });
}, 60_000);
