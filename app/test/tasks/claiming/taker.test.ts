import Redis from 'ioredis';
import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { RedisKeys } from '../../../src/tasks/lanes';
import { redisUrl } from '../../servers/databases';
import { monotonicMs } from '../../../src/tasks/pause';
import { cuttingProxy } from '../support/cutting-proxy';
import type { CuttingProxy } from '../support/cutting-proxy';
import { openEngine } from '../support/engines';
import { connectionRefused } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM, LEASE } from '../support/statements';
import { ageClaims, queueTasks, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';

const REDIS = redisUrl(61);
const probe = defineTask({ name: 'probe', payload: z.looseObject({}) });
const unknown = defineTask({ name: 'unknown', payload: z.looseObject({}) });
const quick = handle(probe, () => Promise.resolve());
const queues = [{ name: 'default' }];

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture();
});
afterEach(() => fixture.drop());

function open(redis: string | undefined): Tasks {
  return openEngine(fixture, redis);
}

async function unfinished(): Promise<number> {
  return (await fixture.rows('select from holdfast.task where finished_at is null')).length;
}

describe.each([
  ['without any Redis', undefined],
  ['with Redis', REDIS],
])('%s', (_, redis) => {
  it('what is accepted gets done: at once, later, by priority and after a failure', async () => {
    const tasks = open(redis);
    const flaky = defineTask({ name: 'flaky', payload: z.looseObject({}), backoff: { firstSeconds: 0 } });
    const once = handle(flaky, ({ attempt }) => (attempt === 1 ? Promise.reject(new Error('no')) : Promise.resolve()));
    await tasks.startWorker({ handlers: [quick, once], queues });
    await tasks.acceptMany(probe, Array(50).fill({}));
    for (const priority of ['high', 'normal', 'low', 'bulk'] as const) await tasks.accept(probe, {}, { priority });
    await tasks.accept(probe, {}, { runAt: new Date(Date.now() + 500) });
    await tasks.accept(flaky, {});
    await tasks.transaction((tx) => tasks.accept(tx, probe, {}));
    await until('all are done', async () => (await unfinished()) === 0);
    expect(tasks.metrics()).toMatchObject({ done: 57, failedAttempts: 1 });
    await tasks.close();
  });

  it('never runs more tasks than it has slots', async () => {
    const tasks = open(redis);
    const slots = 3;
    let running = 0;
    let most = 0;
    const counted = handle(probe, async () => {
      running += 1;
      most = Math.max(most, running);
      await fixture.rows('select');
      running -= 1;
    });
    await tasks.acceptMany(probe, Array(60).fill({}));
    await tasks.startWorker({ handlers: [counted], queues, concurrency: slots });
    await until('all are done', async () => (await unfinished()) === 0);
    expect(most).toBe(slots);
    await tasks.close();
  });

  it('leaves tasks that it does not know queued and uncounted, and does those behind them', async () => {
    const tasks = open(redis);
    await tasks.acceptMany(unknown, Array(20).fill({}));
    await tasks.acceptMany(probe, Array(20).fill({}));
    await tasks.startWorker({ handlers: [quick], queues, concurrency: 2 });
    await until('those it knows are done', async () => (await unfinished()) === 20);
    const left = await fixture.rows(
      'select distinct name, state, fence, attempts from holdfast.task where finished_at is null',
    );
    expect(left).toEqual([{ name: 'unknown', state: 'queued', fence: 0, attempts: 0 }]);
    await tasks.close();
  });
});

it('ids that Redis handed out and nobody claimed are not lost', async () => {
  const tasks = open(REDIS);
  const redis = new Redis(REDIS);
  const list = new RedisKeys(fixture.epoch).list({ queue: 'default', priority: 1 });
  const release = gate();
  const busy = defineTask({ name: 'busy', payload: z.looseObject({}), queue: 'busy' });
  const slot = handle(busy, () => release.opened);
  await tasks.startWorker({ handlers: [quick, slot], queues: [...queues, { name: 'busy' }], concurrency: 1 });
  const { id } = await tasks.accept(busy, {});
  await until('the only slot is taken', async () => (await taskRow(fixture, id)).state === 'running');
  await tasks.acceptMany(probe, Array(20).fill({}));
  // Acceptor and relay may both hand them over.
  await until('they are handed to Redis', async () => new Set(await redis.lrange(list, 0, -1)).size === 20);

  // As a worker does that dies between its pop and its claim. Relay and workers compare with the ledger: either is enough.
  const popped = await redis.lpop(list, 1_000);
  expect(new Set(popped).size).toBe(20);
  release.open();
  await until('all are done', async () => (await unfinished()) === 0);
  redis.disconnect();
  await tasks.close();
});

it('a claim that arrives after the lease has run out is not started, and the task is run later', async () => {
  const parts = workerParts(fixture.url, { leaseSeconds: 1.2 });
  let runs = 0;
  const counted = handle(probe, () => Promise.resolve(void (runs += 1)));
  const worker = await parts.startWorker({ handlers: [counted], queues });
  const claimed = gate();
  const answered = gate();
  parts.ledger.after(CLAIM.oldest, async () => {
    if ((await fixture.rows(`select from holdfast.task where state = 'running'`)).length === 0) return;
    claimed.open();
    await answered.opened;
  });
  const [id] = await queueTasks(fixture, 1);
  await claimed.opened;
  parts.control.before(LEASE.beat, connectionRefused);
  await until('the lease has run out', () => parts.counters.leaseLost === 1);
  parts.ledger.heal();
  answered.open();
  const tries = parts.control.count(LEASE.beat);
  await until('another heartbeat was not taken', () => parts.control.count(LEASE.beat) > tries);
  expect(runs).toBe(0);

  parts.control.heal();
  await ageClaims(fixture, worker.id);
  await until('it is done', async () => (await taskRow(fixture, id!)).state === 'done');
  expect(await taskRow(fixture, id!)).toMatchObject({ fence: 2 });
  expect(runs).toBe(1);
  await worker.stop();
  await parts.close();
});

/** With two slots. */
async function workerBehindProxy(): Promise<{ proxy: CuttingProxy; tasks: Tasks }> {
  const proxy = await cuttingProxy(fixture.url);
  const tasks = createTasks({ postgres: { connectionString: proxy.url }, logger: recordingLogger() });
  await tasks.startWorker({ handlers: [quick], queues, concurrency: 2 });
  return { proxy, tasks };
}

it('completions whose answer never comes keep the others waiting for seconds only, and nothing is done twice', async () => {
  const { proxy, tasks } = await workerBehindProxy();
  await queueTasks(fixture, 2_000);
  // As the protocol names the prepared statement.
  await proxy.loseAnswerTo('\0done\0');
  const before = tasks.metrics().done!;
  // Meanwhile it goes on until some hundred ends are not written; the connections' own limit is 15 s.
  await until('ends are written again', () => tasks.metrics().done! > before + 500, 10);
  await until('all are done', async () => (await unfinished()) === 0, 20);
  expect(await fixture.rows('select from holdfast.task where attempts <> 1')).toEqual([]);
  await tasks.close();
  await proxy.close();
}, 40_000);

it('a claim whose answer never comes keeps its slots for seconds only, and what it took is run as well', async () => {
  const { proxy, tasks } = await workerBehindProxy();
  // Enough to be busy after the loss, and few enough for two slots.
  await queueTasks(fixture, 1_000);
  await proxy.loseAnswerTo('claim_oldest');
  const lostMs = monotonicMs();
  const before = tasks.metrics().done!;
  await until('its slots are used again', () => tasks.metrics().done! > before + 100);
  expect(monotonicMs() - lostMs).toBeLessThan(5_000);
  await until('all are done', async () => (await unfinished()) === 0, 20);
  expect(await fixture.rows('select from holdfast.task where attempts <> 1')).toEqual([]);
  await tasks.close();
  await proxy.close();
}, 40_000);
