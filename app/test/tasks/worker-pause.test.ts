import { z } from 'zod';
import { defineTask, handle } from '../../src/tasks';
import type { TaskHandler, Tasks, Worker, WorkerOptions } from '../../src/tasks';
import { redisUrl } from '../servers/databases';
import { openEngine } from './support/engines';
import { gate } from './support/gate';
import { ledgerFixture } from './support/ledger-fixture';
import type { LedgerFixture } from './support/ledger-fixture';
import { taskRow } from './support/task-rows';
import { until } from './support/until';

const REDIS = redisUrl(64);
const short = defineTask({ name: 'short', payload: z.object({}) });
const long = defineTask({ name: 'long', payload: z.object({}) });

let fixture: LedgerFixture;
let engines: Tasks[];
beforeEach(async () => {
  fixture = await ledgerFixture();
  engines = [];
});
afterEach(async () => {
  await Promise.all(engines.map((tasks) => tasks.close()));
  await fixture.drop();
});

function open(redis: string | undefined): Tasks {
  const tasks = openEngine(fixture, redis);
  engines.push(tasks);
  return tasks;
}

interface Counting {
  readonly worker: Worker;
  readonly done: () => number;
}

/** A worker that keeps count of the short tasks that it did. */
async function counting(
  tasks: Tasks,
  handlers: readonly TaskHandler[] = [],
  options: Partial<WorkerOptions> = {},
): Promise<Counting> {
  let count = 0;
  const handler = handle(short, () => {
    count += 1;
    return Promise.resolve();
  });
  const worker = await tasks.startWorker({
    handlers: [handler, ...handlers],
    queues: [{ name: 'default' }],
    ...options,
  });
  return { worker, done: () => count };
}

const unfinished = async (): Promise<number> =>
  (await fixture.rows(`select from holdfast.task where finished_at is null and name = 'short'`)).length;

describe.each([
  ['without any Redis', undefined],
  ['with Redis', REDIS],
])('%s, a paused worker', (_, redis) => {
  it('takes nothing while others do, finishes what it has in hand, and takes tasks again when it is resumed', async () => {
    const tasks = open(redis);
    const release = gate();
    const { worker: paused, done } = await counting(tasks, [handle(long, () => release.opened)]);
    const { id } = await tasks.accept(long, {});
    await until('it runs a task', () => paused.running === 1);
    await paused.pause();
    expect((await tasks.status()).workers).toMatchObject([{ draining: true, running: 1 }]);

    const other = await counting(open(redis));
    await tasks.acceptMany(short, Array(200).fill({}));
    await until('others do them', async () => (await unfinished()) === 0);
    expect([done(), other.done()]).toEqual([0, 200]);
    expect(paused.running).toBe(1);
    release.open();
    await until('it finishes its own', async () => (await taskRow(fixture, id)).state === 'done');
    await until('it has nothing in hand', () => paused.running === 0);

    await other.worker.stop();
    paused.resume();
    await tasks.acceptMany(short, Array(50).fill({}));
    await until('it takes tasks again', async () => (await unfinished()) === 0);
    expect(done()).toBe(50);
  });

  it('holds what it took before: nothing begins after pause has resolved', async () => {
    const tasks = open(redis);
    await tasks.acceptMany(short, Array(2_000).fill({}));
    const { worker, done: doneBy } = await counting(tasks, [], { concurrency: 2 });
    await until('it works', () => doneBy() > 20);
    await worker.pause();
    await until('nothing is in hand', () => worker.running === 0);
    const done = doneBy();
    const left = await unfinished();
    expect(left).toBe(2_000 - done);
    // A full look of everything that takes by itself has passed when this one comes back.
    const other = await counting(open(redis));
    await until('others do the rest', async () => (await unfinished()) === 0);
    expect([doneBy(), other.done()]).toEqual([done, left]);
  });

  it('stops', async () => {
    const tasks = open(redis);
    const { worker } = await counting(tasks);
    void worker.pause();
    await worker.stop({ deadlineSeconds: 1 });
    expect((await fixture.rows('select from holdfast.worker where expired_at is null')).length).toBe(0);
  });

  it('resumed before pause has resolved, goes on', async () => {
    const tasks = open(redis);
    const { worker, done: doneBy } = await counting(tasks);
    const pausing = worker.pause();
    worker.resume();
    await pausing;
    await tasks.accept(short, {});
    await until('it works', () => doneBy() === 1);
  });
});

describe('the kind of a worker', () => {
  it('is recorded with its registration, and default where none is named', async () => {
    const tasks = open(undefined);
    await counting(tasks, [], { kind: 'images' });
    await counting(tasks);
    const { workers } = await tasks.status();
    expect(workers.map(({ kind }) => kind).sort()).toEqual(['default', 'images']);
  });

  it('is a name', async () => {
    const started = counting(open(undefined), [], { kind: 'Big images' });
    await expect(started).rejects.toThrow(/^worker: kind is "Big images"; allowed is lower-case letters/);
  });

  it('does not disturb workers of the version before, which know no kinds', async () => {
    // As that version registers, and beats.
    const [old] = await fixture.rows<{ id: string }>(
      `insert into holdfast.worker (id, host, pid, queues, kinds, concurrency)
       values (gen_random_uuid(), 'old', 1, '{default}', '{short@1}', 1) returning id`,
    );
    const beat = await fixture.rows(
      `update holdfast.worker set beat = beat + 1, heartbeat_at = now(), running = 0, source = 'redis', draining = false
       where id = $1 and expired_at is null returning id`,
      [old!.id],
    );
    expect(beat).toHaveLength(1);
    expect((await open(undefined).status()).workers).toMatchObject([{ id: old!.id, kind: 'default' }]);
  });
});
