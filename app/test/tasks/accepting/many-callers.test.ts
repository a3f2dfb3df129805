import { z } from 'zod';
import type { AcceptedTask, Tasks, Transaction } from '../../../src/tasks';
import { defineTask, handle } from '../../../src/tasks';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';

/*
 * P18: 50 callers accept under one key while its tasks run, end and are pruned. Deadlocks and errors would reject a
 * caller's promise.
 */
const CALLERS = 50;
const ROUNDS = 4;

const payload = z.object({ n: z.number() });
const untilStart = defineTask({ name: 'until-start', payload });
const untilFinish = defineTask({ name: 'until-finish', payload });
const requested = defineTask({ name: 'requested', payload });

let fixture: LedgerFixture;
let callers: Tasks;
let workers: Tasks;
let running = 0;
let mostRunning = 0;
let pruning: NodeJS.Timeout;
let pruned: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  fixture = await ledgerFixture();
  await fixture.pool.query(
    'create table wish (task uuid, seen boolean not null default false); create table ran (task uuid)',
  );
  callers = openEngine(fixture, undefined);
  workers = openEngine(fixture, undefined);
  const ran = (tx: Transaction, id: string) => tx.query('insert into ran values ($1)', [id]);
  await workers.startWorker({
    concurrency: 10,
    queues: [{ name: 'default' }],
    handlers: [
      handle(untilStart, async ({ taskId, effects }) => {
        await fixture.pool.query('update wish set seen = true where task = $1', [taskId]);
        effects((tx) => ran(tx, taskId));
      }),
      handle(untilFinish, async ({ taskId, effects }) => {
        running += 1;
        mostRunning = Math.max(mostRunning, running);
        await fixture.pool.query('select pg_sleep(0.005)');
        running -= 1;
        effects((tx) => ran(tx, taskId));
      }),
      handle(requested, async ({ taskId, effects }) => {
        await Promise.resolve();
        effects((tx) => ran(tx, taskId));
      }),
    ],
  });
  pruning = setInterval(() => {
    pruned = fixture.pool.query('delete from holdfast.task where finished_at is not null').catch(() => undefined);
  }, 20);
});
afterAll(async () => {
  clearInterval(pruning);
  await pruned;
  await workers.close();
  await callers.close();
  await fixture.drop();
});

/** Every caller calls several times, in all the ways that there are; `undefined` for what was rolled back. */
async function everybody(call: (tx: Transaction | undefined, n: number) => Promise<AcceptedTask>) {
  const inForeign = async (n: number, end: 'commit' | 'rollback') => {
    const client = await fixture.pool.connect();
    try {
      await client.query('begin');
      const accepted = await call(client, n);
      await client.query(end);
      return end === 'commit' ? accepted : undefined;
    } finally {
      client.release();
    }
  };
  const ways = [
    (n: number) => call(undefined, n),
    (n: number) => callers.transaction((tx) => call(tx, n)),
    (n: number) => inForeign(n, 'commit'),
    (n: number) => inForeign(n, 'rollback'),
  ];
  const answers = await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      const mine: (AcceptedTask | undefined)[] = [];
      for (let n = 0; n < ROUNDS; n += 1) mine.push(await ways[(caller + n) % ways.length]!(n));
      return mine;
    }),
  );
  return answers.flat().filter((answer) => answer !== undefined);
}

async function untilRan(answers: readonly AcceptedTask[]): Promise<Record<string, number>> {
  const ids = [...new Set(answers.map(({ id }) => id))];
  const times = async () => {
    const rows = await fixture.rows<{ task: string; times: number }>(
      'select task, count(*)::integer as times from ran where task = any ($1) group by task',
      [ids],
    );
    return rows.length === ids.length && Object.fromEntries(rows.map(({ task, times }) => [task, times]));
  };
  return until('every task that somebody was answered with has run', times, 30);
}

it('P18: under one uniqueKey until start, each is answered by a task that sees what its caller wrote', async () => {
  const answers = await everybody(async (tx, n) => {
    if (tx === undefined) return callers.accept(untilStart, { n }, { uniqueKey: { key: 'u', replace: n % 2 === 0 } });
    const accepted = await callers.accept(tx, untilStart, { n }, { uniqueKey: { key: 'u', replace: n % 2 === 0 } });
    await tx.query('insert into wish values ($1)', [accepted.id]);
    return accepted;
  });
  const times = await untilRan(answers);
  expect(new Set(Object.values(times))).toEqual(new Set([1]));
  expect(await fixture.rows('select from wish where not seen')).toEqual([]);
  expect(answers.filter(({ duplicate }) => duplicate).length).toBeGreaterThan(0);
});

it('P18: under one uniqueKey until finish, one runs at a time', async () => {
  const uniqueKey = { key: 'u', until: 'finish' } as const;
  const answers = await everybody((tx, n) =>
    tx === undefined
      ? callers.accept(untilFinish, { n }, { uniqueKey })
      : callers.accept(tx, untilFinish, { n }, { uniqueKey }),
  );
  const times = await untilRan(answers);
  expect(new Set(Object.values(times))).toEqual(new Set([1]));
  expect(mostRunning).toBe(1);
});

it('P18: under one requestKey, there is one task, and it runs once', async () => {
  const answers = await everybody((tx, n) => {
    const options = { requestKey: `r${n}`, uniqueKey: `u${n}` };
    return tx === undefined ? callers.accept(requested, { n }, options) : callers.accept(tx, requested, { n }, options);
  });
  const times = await untilRan(answers);
  expect(Object.values(times)).toEqual(Array.from({ length: ROUNDS }, () => 1));
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(ROUNDS);
});
