import Redis from 'ioredis';
import { redisUrl } from '../../servers/databases';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { lifeline } from '../support/lifeline';
import type { Death } from '../support/lifeline';
import { steppedEngine } from '../support/stepped-engine';
import { goOn, listed, untilNoticed } from './successor';
import type { Stores } from './successor';
import { ATTEMPTS, handlersOf, order, report, TABLES, twoLives } from './two-lives';

const REDIS = redisUrl(92);
/** Engines that live and die at the same time. */
const AT_ONCE = 4;
const UNKNOWN_COMMIT = { message: 'commit', death: 'answer lost' };
/** For all of them: some 160, and a dozen connections each. */
const LIMIT_MS = 180_000;
const DEATHS: readonly Death[] = ['before it arrives', 'answer lost'];

interface Point {
  /** The last of the messages that it sends. */
  readonly n: number;
  readonly message: string;
  readonly death: Death;
}

interface Victim {
  readonly queue: string;
  readonly point: Point;
  readonly acknowledged: readonly string[];
}

/** What the ledger and the tables of the test say of a task. */
interface Seen {
  readonly queue: string;
  readonly name: string;
  readonly id: string;
  readonly uuid: string;
  readonly state: string;
  readonly fence: number;
  readonly attempts: number;
  readonly failures: number;
  readonly business: number;
  readonly effects: number;
  readonly steps: number;
}

const SEEN = `
  select queue, name, id, uuid, state, fence, attempts,
         (select count(*)::int from holdfast.attempt where task_id = t.id) as failures,
         (select count(*)::int from business where task = uuid) as business,
         (select count(*)::int from effect where task = uuid) as effects,
         (select count(*)::int from step where task = uuid) as steps
  from holdfast.task t order by id`;

let fixture: LedgerFixture;
let redis: Redis;
let stores: Stores;
/** What the outside heard: the keys under which it was called, by the task's id. */
const calls = new Map<string, string[]>();
beforeAll(async () => {
  fixture = await ledgerFixture();
  await fixture.pool.query(TABLES);
  redis = new Redis(REDIS);
  stores = { fixture, redis, redisUrl: REDIS };
  await redis.flushdb();
});
afterAll(async () => {
  await redis.flushdb();
  redis.disconnect();
  await fixture.drop();
});

/** An engine lives to its end, or is cut off and never comes back. @returns the messages it sent. */
async function live(queue: string, acknowledged: string[], point?: Point): Promise<readonly string[]> {
  const line = await lifeline(fixture.url, REDIS);
  const engine = await steppedEngine({ ...line, epoch: fixture.epoch, queue, handlers: handlersOf(calls) });
  line.count((_, n) => (n === point?.n ? point.death : undefined));
  const life = twoLives(engine, acknowledged);
  const isCut = (): boolean => line.sent.length === point?.n;
  try {
    await Promise.race([
      line.dead,
      life.catch((error: unknown) => (isCut() ? line.dead : Promise.reject(error as Error))),
    ]);
    return [...line.sent];
  } finally {
    await engine.close();
    await line.close();
  }
}

/** How a task must have ended that others found like this. */
function ended(task: Seen): Partial<Seen> {
  const wanted = ATTEMPTS[task.name]!;
  // Of the attempt that a loss interrupted nobody knows whose fault it was: it does not count.
  const counted = task.state === 'running' ? task.attempts - 1 : task.attempts;
  const fence = task.fence + wanted - counted;
  return {
    ...{ uuid: task.uuid, state: 'done', fence, attempts: wanted, failures: fence - 1 },
    ...{ business: 1, effects: task.name === order.name ? 1 : 0 },
  };
}

/** Whatever was written or called for a task belongs to one that exists, and the outside was called under one key. */
async function expectNothingBeside(tasks: ReadonlyMap<string, Seen>): Promise<void> {
  for (const table of ['business', 'effect', 'step']) {
    const rows = await fixture.rows<{ task: string }>(`select task from ${table}`);
    expect({ table, beside: rows.filter(({ task }) => !tasks.has(task)) }).toEqual({ table, beside: [] });
  }
  const orders = [...tasks.values()].filter(({ name }) => name === order.name);
  expect([...calls.keys()].sort()).toEqual(orders.map(({ uuid }) => uuid).sort());
  for (const keys of calls.values()) expect(new Set(keys).size).toBe(1);
  for (const { steps, fence } of orders) expect(steps >= 1 && steps <= fence).toBe(true);
}

it(
  'an engine may stop at any statement and any command: what it acknowledged is done once by another, and nothing else is',
  async () => {
    const whole: string[] = [];
    const messages = await live('whole', whole);
    expect(whole).toHaveLength(2);
    await untilNoticed(fixture);
    expect(await fixture.rows(SEEN)).toMatchObject([
      { name: order.name, state: 'done', fence: 1, attempts: 1, failures: 0, business: 1, effects: 1, steps: 1 },
      { name: report.name, state: 'done', fence: 2, attempts: 2, failures: 1, business: 1, effects: 0, steps: 0 },
    ]);

    const points = messages.flatMap((message, i) => DEATHS.map((death): Point => ({ n: i + 1, message, death })));
    const victims: Victim[] = [];
    for (let first = 0; first < points.length; first += AT_ONCE) {
      await Promise.all(
        points.slice(first, first + AT_ONCE).map(async (point) => {
          const victim = { queue: `cut-${point.n}-${DEATHS.indexOf(point.death)}`, point, acknowledged: [] };
          victims.push(victim);
          expect((await live(victim.queue, victim.acknowledged, point)).at(-1)).toBe(point.message);
        }),
      );
    }
    await untilNoticed(fixture);
    const queues = victims.map(({ queue }) => queue);
    const found = await fixture.rows<Seen>(SEEN);
    const byId = new Map(found.map((task) => [task.id, task]));
    expect((await listed(stores, queues)).filter((id) => !byId.has(id))).toEqual([]);
    const unknown: Point[] = [];
    for (const { queue, point, acknowledged } of victims) {
      const there = found.filter((task) => task.queue === queue).map(({ uuid }) => uuid);
      expect({ point, there: there.slice(0, acknowledged.length) }).toEqual({ point, there: acknowledged });
      if (there.length > acknowledged.length) unknown.push(point);
    }
    // Of the two transactions that accept, the COMMIT was carried out and nobody heard of it.
    expect(unknown).toMatchObject([UNKNOWN_COMMIT, UNKNOWN_COMMIT]);
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(['queued', 'running', 'done']));

    await goOn(stores, queues, handlersOf(calls));
    const pointOf = new Map(victims.map(({ queue, point }) => [queue, point]));
    const now = new Map((await fixture.rows<Seen>(SEEN)).map((task) => [task.uuid, task]));
    expect(now.size).toBe(found.length);
    for (const task of found) {
      const point = pointOf.get(task.queue);
      expect({ point, task: now.get(task.uuid) }).toMatchObject({ point, task: ended(task) });
    }
    await expectNothingBeside(now);
  },
  LIMIT_MS,
);
