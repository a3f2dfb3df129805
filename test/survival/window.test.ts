import { Redis } from 'ioredis';
import { Client } from 'pg';
import { z } from 'zod';
import type { RedisServer } from '../../app/local/servers/redis-server';
import { waitUntil } from '../../app/local/servers/wait-until';
import { createTasks, defineTask, handle, PRIORITIES } from '../../app/src/tasks';
import type { Tasks } from '../../app/src/tasks';
import { createLedgerDatabase } from '../../app/test/servers/databases';
import type { TestDatabase } from '../../app/test/servers/databases';
import { startPrivateRedis } from '../../app/test/servers/private-servers';
import { ListSampler } from './list-sampler';
import { LogBook } from './system/log-book';

const QUEUE = 'window';
const WINDOW = 10_000;
const FEW = 100_000;
/** A million for the night (README.md). */
const MANY = Number(process.env['HOLDFAST_WINDOW_TASKS'] ?? 300_000);
const BATCH = 10_000;
/** In bytes; a list's id takes more than two, and at least 200,000 tasks come on top. */
const NO_GROWTH = 400_000;
const LEAST_SAMPLES = 100;
/** Redis gives back the buffers of clients that have been quiet for two seconds. */
const QUIET_MS = 3_000;
/** In bytes: what no buffer is as small as. */
const A_LITTLE = 1_024;
/** Of INFO memory: https://redis.io/docs/latest/commands/info/ */
const USED_MEMORY = /^used_memory:(\d+)/m;

const noop = defineTask({ name: 'window.noop', queue: QUEUE, payload: z.object({ number: z.int() }) });
/** Keeps the only slot of the worker that relays, so that tasks pile up beside a worker that lives. */
const gate = defineTask({
  name: 'window.gate',
  queue: QUEUE,
  priority: 'high',
  payload: z.object({}),
  timeLimitSeconds: 600,
});

jest.setTimeout(300_000);

describe('the window', () => {
  const log = new LogBook();
  /** How often the task of each number has run. */
  const runs = new Uint8Array(MANY);
  let started = 0;
  const noopHandler = handle(noop, ({ payload }) => {
    runs[payload.number] = (runs[payload.number] ?? 0) + 1;
    started += 1;
    return Promise.resolve();
  });
  let database: TestDatabase;
  let redisServer: RedisServer;
  let redis: Redis;
  let ledger: Client;
  let tasks: Tasks;
  let sampler: ListSampler;

  beforeAll(async () => {
    [database, redisServer] = await Promise.all([createLedgerDatabase(), startPrivateRedis()]);
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

  it('bounds every list and the memory of Redis while tasks pile up, and all are done once', () =>
    log.shownOnFailure(async () => {
      const openGate = await startBusyWorker();
      await accept(0, FEW);
      const memoryWithFew = await settledMemory();
      await accept(FEW, MANY);
      const memoryWithMany = await settledMemory();
      expectWithinWindow('accepting');
      log.report(`Redis uses ${memoryWithFew} B with ${FEW} tasks waiting and ${memoryWithMany} B with ${MANY}`);
      expect(memoryWithMany - memoryWithFew).toBeLessThan(NO_GROWTH);

      const began = performance.now();
      await tasks.startWorker({ handlers: [noopHandler], queues: [{ name: QUEUE }], concurrency: 200 });
      await waitUntil('all tasks have run', () => started >= MANY, { limitSeconds: 180 });
      log.report(`processed ${Math.round(MANY / (performance.now() - began))} k/s`);
      openGate();
      await waitUntil('the ledger says that nothing is unfinished', async () => (await unfinished()) === 0, {
        limitSeconds: 30,
        everyMilliseconds: 250,
      });
      expectWithinWindow('processing');
      expect(runs.every((count) => count === 1)).toBe(true);
      const { rows } = await ledger.query(
        'select name, state, attempts, count(*)::int as tasks from holdfast.task group by 1, 2, 3 order by 1, 2, 3',
      );
      expect(rows).toEqual([
        { name: gate.name, state: 'done', attempts: 1, tasks: 1 },
        { name: noop.name, state: 'done', attempts: 1, tasks: MANY },
      ]);
    }));

  /**
   * A worker that relays and takes nothing, because its one slot is taken. It knows both kinds: only what some worker
   * could run is handed to Redis. The answer ends the task in its slot.
   */
  async function startBusyWorker(): Promise<() => void> {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    let atGate = false;
    const gateHandler = handle(gate, () => {
      atGate = true;
      return opened;
    });
    await tasks.startWorker({ handlers: [gateHandler, noopHandler], queues: [{ name: QUEUE }], concurrency: 1 });
    await tasks.accept(gate, {});
    await waitUntil('the worker has no free slot', () => atGate, { limitSeconds: 10 });
    return open;
  }

  /** Accepts no-op tasks with the numbers from `from` to `to`, every batch in another lane. */
  async function accept(from: number, to: number): Promise<void> {
    const began = performance.now();
    for (let first = from; first < to; first += BATCH) {
      const payloads = Array.from({ length: Math.min(BATCH, to - first) }, (_, i) => ({ number: first + i }));
      await tasks.acceptMany(noop, payloads, { priority: PRIORITIES[(first / BATCH) % PRIORITIES.length]! });
    }
    log.report(`accepted ${to - from} tasks, ${Math.round((to - from) / (performance.now() - began))} k/s`);
  }

  /**
   * Bytes that Redis uses when every lane's list is full. The least of many looks: on top of it come what clients send and
   * are sent in that moment, as the relay, which reads all lists every second.
   */
  async function settledMemory(): Promise<number> {
    await waitUntil(
      'every lane is filled to its window',
      () => sampler.latest.filter((length) => length === WINDOW).length === PRIORITIES.length,
      { limitSeconds: 10 },
    );
    let lowest = Infinity;
    let fellAtMs = performance.now();
    return waitUntil(
      'the memory of Redis falls no more',
      async () => {
        const now = Number(USED_MEMORY.exec(await redis.info('memory'))?.[1]);
        if (now < lowest - A_LITTLE) fellAtMs = performance.now();
        lowest = Math.min(lowest, now);
        return performance.now() - fellAtMs > QUIET_MS && lowest;
      },
      { limitSeconds: 60, everyMilliseconds: 10 },
    );
  }

  /** In every sample since the last call; each lane reached its window, or the samples would prove nothing about it. */
  function expectWithinWindow(phase: string): void {
    const { samples, longest } = sampler.take();
    log.report(`${phase}: ${samples} samples, longest lists ${Object.values(longest).join(', ')}`);
    expect(samples).toBeGreaterThan(LEAST_SAMPLES);
    expect(Object.values(longest)).toEqual(PRIORITIES.map(() => WINDOW));
  }

  async function unfinished(): Promise<number> {
    const answer = await ledger.query<{ tasks: number }>(
      'select count(*)::int as tasks from holdfast.task where finished_at is null',
    );
    return answer.rows[0]!.tasks;
  }
});
