import Redis from 'ioredis';
import { z } from 'zod';
import { AttemptAborted, createTasks, defineTask, handle } from '../../src/tasks';
import type { TaskContext, Tasks } from '../../src/tasks';
import { monotonicMs } from '../../src/tasks/pause';
import { redisUrl } from '../servers/databases';
import { openEngine } from './support/engines';
import { connectionRefused } from './support/disturbed-ledger';
import { aborted, gate } from './support/gate';
import { ledgerFixture } from './support/ledger-fixture';
import type { LedgerFixture } from './support/ledger-fixture';
import { recordingLogger } from './support/recording-logger';
import { CLAIM, FINISH, LEASE } from './support/statements';
import { queueTasks, taskRow, taskRows } from './support/task-rows';
import { tcpSwitch } from './support/tcp-switch';
import { until } from './support/until';
import { workerParts } from './support/worker-parts';
import type { TestParts } from './support/worker-parts';

const REDIS_NUMBER = 62;
const REDIS = redisUrl(REDIS_NUMBER);
const short = defineTask({ name: 'short', payload: z.object({}) });
const long = defineTask({ name: 'long', payload: z.object({}) });
const queues = [{ name: 'default' }];

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

/** A handler that runs until its signal aborts, and what it was called with. */
function untilAborted(contexts: TaskContext[]): ReturnType<typeof handle> {
  return handle(long, async (context) => {
    contexts.push(context);
    throw await aborted(context.signal);
  });
}

async function ownConnections(): Promise<unknown[]> {
  return fixture.rows(
    `select pid, query from pg_stat_activity where datname = current_database() and application_name <> 'test'`,
  );
}

describe.each([
  ['without any Redis', undefined],
  ['with Redis', REDIS],
])('%s, a worker that stops', (_, redis) => {
  it('lets tasks that fit its deadline finish where they run, restarts none and starts none', async () => {
    const tasks = open(redis);
    const returned = gate();
    let runs = 0;
    const runsShortly = handle(short, () => {
      runs += 1;
      return returned.opened;
    });
    const worker = await tasks.startWorker({ handlers: [runsShortly], queues, concurrency: 4 });
    const running = (await tasks.acceptMany(short, Array(4).fill({}))).map((task) => task.id);
    await until('all slots are taken', () => runs === 4);
    const waiting = (await tasks.acceptMany(short, Array(4).fill({}))).map((task) => task.id);

    const stopping = worker.stop({ deadlineSeconds: 20 });
    await until(
      'it is known to drain',
      async () =>
        (await fixture.rows('select from holdfast.worker where draining and expired_at is null')).length === 1,
    );
    returned.open();
    await stopping;
    const ends = (await taskRows(fixture, running)).map(({ state, fence, attempts }) => ({ state, fence, attempts }));
    expect(ends).toEqual(running.map(() => ({ state: 'done', fence: 1, attempts: 1 })));
    for (const row of await taskRows(fixture, waiting)) expect(row).toMatchObject({ state: 'queued', fence: 0 });
    expect(runs).toBe(4);
  });

  it('gives longer ones back uncounted at its deadline, and another worker has them at once', async () => {
    const [leaving, staying] = [open(redis), open(redis)];
    const contexts: TaskContext[] = [];
    const worker = await leaving.startWorker({ handlers: [untilAborted(contexts)], queues });
    const { id } = await leaving.accept(long, {});
    await until('it runs', () => contexts.length === 1);
    const heirs: TaskContext[] = [];
    const heir = await staying.startWorker({ handlers: [untilAborted(heirs)], queues });

    await worker.stop({ deadlineSeconds: 0.2 });
    const stoppedMs = monotonicMs();
    expect(contexts[0]!.signal.reason).toBeInstanceOf(AttemptAborted);
    expect(contexts[0]!.signal.reason).toMatchObject({ reason: 'draining' });
    await until('the other has it', () => heirs.length === 1);
    expect(monotonicMs() - stoppedMs).toBeLessThan(2_000);
    expect(heirs[0]).toMatchObject({ taskId: id, attempt: 1 });
    expect(await taskRow(fixture, id)).toMatchObject({ fence: 2, attempts: 1, worker_id: heir.id });
    expect(leaving.metrics().givenBack).toBe(1);
    await heir.stop({ deadlineSeconds: 0 });
  });
});

it('a handler that does not obey at the deadline does not keep its task: it is given back, and its late end is nothing', async () => {
  const tasks = open(undefined);
  const returned = gate();
  const called = gate();
  const ignores = handle(long, () => {
    called.open();
    return returned.opened;
  });
  const worker = await tasks.startWorker({ handlers: [ignores], queues });
  const { id } = await tasks.accept(long, {});
  await called.opened;
  await worker.stop({ deadlineSeconds: 0 });
  const before = await taskRow(fixture, id);
  expect(before).toMatchObject({ state: 'queued', fence: 1, attempts: 0, worker_id: null });
  returned.open();
  await until('its late end was refused', () => tasks.metrics().fencedOff === 1);
  expect(await taskRow(fixture, id)).toEqual(before);
});

it('a second stop shortens the deadline, and never lengthens it', async () => {
  const tasks = open(undefined);
  const contexts: TaskContext[] = [];
  const worker = await tasks.startWorker({ handlers: [untilAborted(contexts)], queues });
  await tasks.accept(long, {});
  await until('it runs', () => contexts.length === 1);
  const began = monotonicMs();
  const first = worker.stop({ deadlineSeconds: 3_600 });
  const second = worker.stop({ deadlineSeconds: 0.5 });
  const third = worker.stop({ deadlineSeconds: 3_600 });
  await Promise.all([first, second, third]);
  expect(monotonicMs() - began).toBeGreaterThanOrEqual(500);
  expect(contexts[0]!.signal.aborted).toBe(true);
});

it('after close nothing is in hand and no connection is left, neither to PostgreSQL nor to Redis', async () => {
  const tasks = open(REDIS);
  const redis = new Redis(REDIS);
  const redisConnections = async (): Promise<string[]> =>
    String(await redis.client('LIST'))
      .split('\n')
      .filter((line) => line.includes('name=holdfast-') && line.includes(` db=${REDIS_NUMBER} `));
  await tasks.startWorker({ handlers: [handle(short, () => Promise.resolve())], queues });
  await tasks.acceptMany(short, Array(20).fill({}));
  await until(
    'they are done',
    async () => (await fixture.rows('select from holdfast.task where finished_at is null')).length === 0,
  );
  expect(await ownConnections()).not.toEqual([]);
  expect(await redisConnections()).not.toEqual([]);

  engines = [];
  await tasks.close();
  await until('PostgreSQL has none left', async () => (await ownConnections()).length === 0);
  await until('Redis has none left', async () => (await redisConnections()).length === 0);
  expect(await fixture.rows('select from holdfast.worker where expired_at is null')).toEqual([]);
  expect(await fixture.rows(`select from holdfast.task where state = 'running'`)).toEqual([]);
  redis.disconnect();
});

describe('a claim whose answer never came, so that nothing of it has begun, costs no attempt', () => {
  let parts: TestParts;
  let runs: number;
  const counted = handle(short, () => Promise.resolve(void (runs += 1)));

  /** The first claim that takes something is carried out, and its answer lost. */
  function loseClaim(): Promise<void> {
    const lost = gate();
    parts.ledger.after(CLAIM.oldest, async () => {
      if ((await fixture.rows(`select from holdfast.task where state = 'running'`)).length === 0) return;
      parts.ledger.before(CLAIM.oldest, connectionRefused);
      lost.open();
      connectionRefused();
    });
    return lost.opened;
  }
  beforeEach(() => {
    runs = 0;
    parts = workerParts(fixture.url, { heartbeatSeconds: 0.5 });
  });
  afterEach(() => parts.close());

  it('when the worker stops', async () => {
    const worker = await parts.startWorker({ handlers: [counted], queues });
    const lost = loseClaim();
    const [id] = await queueTasks(fixture, 1, { name: 'short', attempts: 1 });
    await lost;
    await worker.stop();
    expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', fence: 1, attempts: 0, worker_id: null });
    expect(runs).toBe(0);
  });

  it('when others have expired the worker meanwhile', async () => {
    const worker = await parts.startWorker({ handlers: [counted], queues });
    const { id: first } = worker;
    const lost = loseClaim();
    const [id] = await queueTasks(fixture, 1, { name: 'short', attempts: 1 });
    await lost;
    parts.control.before(LEASE.take_back, connectionRefused);
    await fixture.pool.query('update holdfast.worker set expired_at = now()');
    await until('the worker has a new id', () => worker.id !== first);
    expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', fence: 1, attempts: 0, worker_id: null });
    parts.ledger.heal();
    await until('it is done', async () => (await taskRow(fixture, id!)).state === 'done');
    expect(await taskRow(fixture, id!)).toMatchObject({ fence: 2, attempts: 1 });
  });

  it('or when it came only after others had expired the worker', async () => {
    const worker = await parts.startWorker({ handlers: [counted], queues });
    const { id: first } = worker;
    const claimed = gate();
    const answered = gate();
    parts.control.before(LEASE.take_back, connectionRefused);
    parts.ledger.after(CLAIM.oldest, async () => {
      if ((await fixture.rows(`select from holdfast.task where state = 'running'`)).length === 0) return;
      parts.ledger.before(CLAIM.oldest, connectionRefused);
      claimed.open();
      await answered.opened;
    });
    // The answer is what gives it back, so nothing else may.
    parts.control.before(LEASE.return_running, connectionRefused);
    const [id] = await queueTasks(fixture, 1, { name: 'short', attempts: 1 });
    await claimed.opened;
    await fixture.pool.query('update holdfast.worker set expired_at = now()');
    await until('the worker has a new id', () => worker.id !== first);
    answered.open();
    await until('it is given back', async () => (await taskRow(fixture, id!)).state === 'queued');
    expect(await taskRow(fixture, id!)).toMatchObject({ fence: 1, attempts: 0, worker_id: null });
    expect(runs).toBe(0);
  });
});

it('a task of which the giving back failed at the deadline is given back when the worker signs off, uncounted', async () => {
  const parts = workerParts(fixture.url);
  const contexts: TaskContext[] = [];
  const worker = await parts.startWorker({ handlers: [untilAborted(contexts)], queues });
  const [id] = await queueTasks(fixture, 1, { name: 'long', attempts: 1 });
  await until('it runs', () => contexts.length === 1);
  parts.ledger.before(FINISH.given_back, connectionRefused);
  await worker.stop({ deadlineSeconds: 0 });
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', fence: 1, attempts: 0, worker_id: null });
  await parts.close();
});

it('keeps its deadline while PostgreSQL is silent: signals abort at it, stopping ends soon after, and nothing is claimed', async () => {
  const address = new URL(fixture.url);
  const line = await tcpSwitch(Number(address.port));
  address.port = String(line.port);
  const logger = recordingLogger();
  const tasks = createTasks({ postgres: { connectionString: address.href }, logger });
  const contexts: TaskContext[] = [];
  const worker = await tasks.startWorker({ handlers: [untilAborted(contexts)], queues });
  await tasks.accept(long, {});
  await until('it runs', () => contexts.length === 1);

  line.freeze();
  const silentMs = monotonicMs();
  const stopping = worker.stop({ deadlineSeconds: 1 });
  expect(await aborted(contexts[0]!.signal)).toMatchObject({ reason: 'draining' });
  const abortedMs = monotonicMs() - silentMs;
  await stopping;
  const stoppedMs = monotonicMs() - silentMs;
  expect(abortedMs).toBeGreaterThanOrEqual(1_000);
  expect(abortedMs).toBeLessThan(2_000);
  expect(stoppedMs).toBeLessThan(7_000);
  expect(logger.saying('were given back')).toEqual([]);
  await line.close();
  await tasks.close();
});

it('close while a worker starts stops that worker as well; afterwards none starts any more', async () => {
  const tasks = open(undefined);
  const start = tasks.startWorker({ handlers: [untilAborted([])], queues });
  await tasks.close();
  await expect(start).resolves.toBeDefined();
  expect(await fixture.rows('select from holdfast.worker where expired_at is null')).toEqual([]);
  await until('PostgreSQL has no connection left', async () => (await ownConnections()).length === 0);
  await expect(tasks.startWorker({ handlers: [untilAborted([])], queues })).rejects.toThrow('is closed');
});
