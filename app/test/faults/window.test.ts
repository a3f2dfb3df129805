import { Redis } from 'ioredis';
import { Client } from 'pg';
import { z } from 'zod';
import type { RedisServer } from '../../local/servers/redis-server';
import { waitUntil } from '../../local/servers/wait-until';
import { createTasks, defineTask, handle, migrate, PRIORITIES } from '../../src/tasks';
import type { Tasks } from '../../src/tasks';
import { createDatabase } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { startPrivateRedis } from '../servers/private-servers';
import { ListSampler } from './list-lengths';
import type { ListLengths } from './list-lengths';
import { LogBook } from './log-book';

const QUEUE = 'window';
const WINDOW = 10_000;
const FEW = 100_000;
const MANY = 1_000_000;
const BATCH = 10_000;
const MEGABYTE = 1024 * 1024;

const noop = defineTask({ name: 'window.noop', queue: QUEUE, payload: z.object({ number: z.int() }) });
/** Keeps the only slot of the worker that relays, so that tasks pile up beside a worker that lives. */
const gate = defineTask({
  name: 'window.gate',
  queue: QUEUE,
  priority: 'high',
  payload: z.object({}),
  timeLimitSeconds: 600,
});

describe('the window', () => {
  const log = new LogBook();
  let database: TestDatabase;
  let redisServer: RedisServer;
  let redis: Redis;
  let ledger: Client;
  let tasks: Tasks;
  let sampler: ListSampler;

  beforeAll(async () => {
    [database, redisServer] = await Promise.all([createDatabase(), startPrivateRedis()]);
    await migrate({ connectionString: database.url });
    tasks = createTasks({
      postgres: { connectionString: database.url },
      redisUrl: redisServer.url,
      logger: log.taskLogger(),
      window: WINDOW,
    });
    redis = new Redis(redisServer.url);
    ledger = new Client({ connectionString: database.url });
    await ledger.connect();
    sampler = new ListSampler(redis);
  });

  afterAll(async () => {
    await sampler.stop();
    await tasks.close();
    redis.disconnect();
    await ledger.end();
    await redisServer.stop();
    await database.drop();
  });

  /** Accepts no-op tasks with the numbers from `from` to `to`, every batch in another lane. */
  async function accept(from: number, to: number): Promise<void> {
    for (let first = from; first < to; first += BATCH) {
      const payloads = Array.from({ length: Math.min(BATCH, to - first) }, (_, i) => ({ number: first + i }));
      await tasks.acceptMany(noop, payloads, { priority: PRIORITIES[(first / BATCH) % PRIORITIES.length]! });
    }
  }

  /** Bytes that Redis uses while nothing changes: every lane's list is full and what clients had sent is forgotten. */
  async function settledMemory(): Promise<number> {
    const lists = PRIORITIES.length;
    await waitUntil(
      'every lane is filled to its window',
      () => {
        const { longest } = sampler.take();
        return longest.size === lists && [...longest.values()].every((length) => length === WINDOW);
      },
      { limitSeconds: 10, everyMilliseconds: 100 },
    );
    // Redis gives back the buffers of clients that have been quiet for two seconds.
    let before = -1;
    return waitUntil(
      'the memory of Redis stands still',
      async () => {
        const now = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
        const still = Math.abs(now - before) < 16 * 1024;
        before = now;
        return still && now;
      },
      { limitSeconds: 20, everyMilliseconds: 2_500 },
    );
  }

  function expectWithinWindow(what: string, { samples, longest }: ListLengths): void {
    log.report(`${what}: ${samples} samples, longest ${JSON.stringify(Object.fromEntries(longest))}`);
    expect(samples).toBeGreaterThan(100);
    // A list that never came near the window would prove nothing about it.
    expect([...longest.values()].sort()).toEqual(PRIORITIES.map(() => WINDOW));
  }

  it(
    'bounds every list and the memory of Redis while a million tasks wait, and all of them are done once',
    () =>
      log.shownOnFailure(async () => {
        const runs = new Uint8Array(MANY);
        let started = 0;
        const noopHandler = handle(noop, ({ payload }) => {
          runs[payload.number] = (runs[payload.number] ?? 0) + 1;
          started += 1;
          return Promise.resolve();
        });
        let openGate = (): void => undefined;
        const opened = new Promise<void>((resolve) => (openGate = resolve));
        let atGate = false;
        await tasks.startWorker({
          // It knows both kinds: only what some worker could run is handed to Redis.
          handlers: [handle(gate, () => ((atGate = true), opened)), noopHandler],
          queues: [{ name: QUEUE }],
          concurrency: 1,
        });
        await tasks.accept(gate, {});
        await waitUntil('the relaying worker has no free slot', () => atGate, { limitSeconds: 10 });
        sampler.take();

        await accept(0, FEW);
        const memoryWithFew = await settledMemory();
        let began = performance.now();
        await accept(FEW, MANY);
        log.report(`accepted ${Math.round((MANY - FEW) / (performance.now() - began))} k/s`);
        expectWithinWindow('accepting', sampler.take());
        const memoryWithMany = await settledMemory();
        log.report(`Redis uses ${memoryWithFew} B with 100 k waiting, ${memoryWithMany} B with 1 M`);
        expect(memoryWithMany - memoryWithFew).toBeLessThanOrEqual(MEGABYTE);

        began = performance.now();
        await tasks.startWorker({ handlers: [noopHandler], queues: [{ name: QUEUE }], concurrency: 200 });
        await waitUntil('a million tasks have run', () => started >= MANY, { limitSeconds: 120 });
        log.report(`processed ${Math.round(MANY / (performance.now() - began))} k/s`);
        openGate();
        await waitUntil('the ledger says that nothing is unfinished', async () => (await unfinished()) === 0, {
          limitSeconds: 30,
          everyMilliseconds: 250,
        });
        expectWithinWindow('processing', sampler.take());

        expect(runs.every((count) => count === 1)).toBe(true);
        const { rows } = await ledger.query(
          'select name, state, attempts, count(*)::int as tasks from holdfast.task group by 1, 2, 3 order by 1, 2, 3',
        );
        expect(rows).toEqual([
          { name: gate.name, state: 'done', attempts: 1, tasks: 1 },
          { name: noop.name, state: 'done', attempts: 1, tasks: MANY },
        ]);
      }),
    240_000,
  );

  async function unfinished(): Promise<number> {
    const answer = await ledger.query<{ tasks: number }>(
      'select count(*)::int as tasks from holdfast.task where finished_at is null',
    );
    return answer.rows[0]!.tasks;
  }
});
