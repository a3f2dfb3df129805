import { z } from 'zod';
import { defineTask, handle, TransactionEndedError } from '../../../src/tasks';
import type { TaskContext } from '../../../src/tasks';
import type { TaskWorker } from '../../../src/tasks/worker';
import { claimedTasks, finisherOf } from '../support/finishing-fixture';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { queueTasks, takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const probe = defineTask({ name: 'probe', payload: z.looseObject({}), backoff: { firstSeconds: 3600 } });

let fixture: LedgerFixture;
let parts: TestParts;

beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
  await fixture.pool.query('create table effect (task uuid not null)');
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

function startWorker(run: (context: TaskContext<typeof probe>) => Promise<void>): Promise<TaskWorker> {
  return parts.startWorker({ handlers: [handle(probe, run)], queues: [{ name: 'default' }] });
}

const effects = (): Promise<{ task: string }[]> => fixture.rows<{ task: string }>('select task from effect');

it('effects happen in the transaction that completes the task, after the handler has returned', async () => {
  let stateBefore = '';
  const worker = await startWorker(async (context) => {
    context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
    expect(await effects()).toEqual([]);
    stateBefore = (await taskRow(fixture, context.taskId)).state;
  });
  const [id] = await queueTasks(fixture, 1);
  const done = await until('it is done', async () => {
    const row = await taskRow(fixture, id!);
    return row.state === 'done' && row;
  });
  expect(stateBefore).toBe('running');
  expect(await effects()).toEqual([{ task: done.uuid }]);
  const transactions = await fixture.rows('select xmin::text from effect union select xmin::text from holdfast.task');
  expect(transactions).toHaveLength(1);
  await worker.stop();
});

it('no transaction is open while the handler runs, also when it has registered effects', async () => {
  const open = () =>
    fixture.rows(
      `select from pg_stat_activity
       where datname = current_database() and application_name <> 'test' and xact_start is not null
         and state in ('idle in transaction', 'idle in transaction (aborted)')`,
    );
  const worker = await startWorker(async (context) => {
    context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
    context.progress(1);
    // Chores and claims have transactions for moments; the handler's would be open until it returns.
    await until('no transaction is open', async () => (await open()).length === 0, 3);
  });
  const [id] = await queueTasks(fixture, 1);
  expect(
    await until('it has ended', async () => {
      const row = await taskRow(fixture, id!);
      return row.state !== 'queued' && row.state !== 'running' && row.state;
    }),
  ).toBe('done');
  await worker.stop();
});

it('effects are not even called when the fence is lost between the handler and the completion', async () => {
  let called = 0;
  const worker = await startWorker(async (context) => {
    context.effects((tx) => {
      called += 1;
      return tx.query('insert into effect values ($1)', [context.taskId]);
    });
    await takeAway(fixture, context.taskId);
  });
  const [id] = await queueTasks(fixture, 1);
  await until('its end was refused', () => parts.counters.fencedOff === 1);
  expect(called).toBe(0);
  expect(await effects()).toEqual([]);
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'running', fence: 2 });
  expect(parts.logger.saying('too late')).toHaveLength(1);
  await worker.stop();
});

it('a worker takes no more while the ends of what it ran wait for the database', async () => {
  parts = workerParts(fixture.url, { heartbeatSeconds: 0.3 });
  const concurrency = 2;
  const holder = await fixture.connect();
  await holder.query('begin');
  await holder.query('lock table effect in share mode');
  const ids = await queueTasks(fixture, 150);
  let started = 0;
  const worker = await parts.startWorker({
    handlers: [
      handle(probe, (context) => {
        started += 1;
        context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
        return Promise.resolve();
      }),
    ],
    queues: [{ name: 'default' }],
    concurrency,
  });
  // Four ends for each slot and a hundred more (Runner.free); what is claimed at that moment still runs.
  await until('its ends pile up', () => started > 4 * concurrency + 100);
  const { beats } = await beatsOf(worker.id);
  await until('it has looked for more since', async () => (await beatsOf(worker.id)).beats > beats + 2);
  expect(started).toBeLessThanOrEqual(4 * concurrency + 100 + 1 + concurrency);
  await holder.query('commit');
  await until('all are done', async () => (await effects()).length === ids.length);
  expect(started).toBe(ids.length);
  await worker.stop();
});

async function beatsOf(worker: string): Promise<{ beats: number }> {
  const rows = await fixture.rows<{ beats: number }>('select beat::int as beats from holdfast.worker where id = $1', [
    worker,
  ]);
  return rows[0]!;
}

it.each(['40P01', '40001'])('effects that fail once with SQLSTATE %s are repeated and happen once', async (code) => {
  const finisher = finisherOf(parts);
  const [task] = await claimedTasks(fixture, parts, 1);
  let calls = 0;
  const ending = await finisher.doneWithEffects(task!, async (tx) => {
    calls += 1;
    await tx.query('insert into effect values ($1)', [task!.uuid]);
    if (calls === 1) await tx.query(`do $$ begin raise sqlstate '${code}'; end $$`);
  });
  expect(ending).toBe('done');
  expect(calls).toBe(2);
  expect(await effects()).toEqual([{ task: task!.uuid }]);
  expect(await taskRow(fixture, task!.id)).toMatchObject({ state: 'done', fence: 1, attempts: 1 });
});

it('effects that were the victim of a real deadlock are repeated and happen once', async () => {
  const finisher = finisherOf(parts);
  const [task] = await claimedTasks(fixture, parts, 1);
  await fixture.pool.query(
    'create table account (id integer primary key, n integer); insert into account values (1), (2)',
  );
  const other = await fixture.connect();
  await other.query('begin');
  await other.query('update account set n = 2 where id = 2');
  let crossing: Promise<unknown> | undefined;
  const ending = await finisher.doneWithEffects(task!, async (tx) => {
    await tx.query('insert into effect values ($1)', [task!.uuid]);
    // The one that checks first is the victim: the other only looks for deadlocks after a minute.
    await tx.query(`set local deadlock_timeout = '100ms'`);
    await tx.query('update account set n = 1 where id = 1');
    crossing ??= other.query(`set local deadlock_timeout = '1min'; update account set n = 2 where id = 1; commit`);
    await tx.query('update account set n = 1 where id = 2');
  });
  await crossing;
  expect(ending).toBe('done');
  expect(await effects()).toEqual([{ task: task!.uuid }]);
  expect(parts.logger.saying('trying again')).toHaveLength(1);
  expect(await fixture.rows('select n from account')).toEqual([{ n: 1 }, { n: 1 }]);
});

it('effects that conflict every time fail the attempt in the end, instead of being repeated for ever', async () => {
  let calls = 0;
  const worker = await startWorker((context) => {
    context.effects(async (tx) => {
      calls += 1;
      await tx.query('insert into effect values ($1)', [context.taskId]);
      await tx.query(`do $$ begin raise sqlstate '40001' using message = 'could not serialize'; end $$`);
    });
    return Promise.resolve();
  });
  const [id] = await queueTasks(fixture, 1);
  await until('the attempt has failed', () => parts.counters.failedAttempts === 1);
  const row = await taskRow(fixture, id!);
  expect(row).toMatchObject({ state: 'queued', attempts: 1, fence: 1 });
  expect(row.error).toMatch(/could not serialize/);
  expect(calls).toBeGreaterThan(2);
  expect(await effects()).toEqual([]);
  await worker.stop();
});

it('effects for which the disk is full are written when it is not, whatever the attempts', async () => {
  let calls = 0;
  const worker = await startWorker((context) => {
    context.effects(async (tx) => {
      calls += 1;
      await tx.query('insert into effect values ($1)', [context.taskId]);
      if (calls > 8) return;
      await tx.query(`do $$ begin raise sqlstate '53100' using message = 'no space left on device'; end $$`);
    });
    return Promise.resolve();
  });
  const [id] = await queueTasks(fixture, 1);
  const row = await until(
    'it is done',
    async () => {
      const now = await taskRow(fixture, id!);
      return now.state === 'done' && now;
    },
    20,
  );
  expect(row).toMatchObject({ attempts: 1, fence: 1 });
  expect(calls).toBe(9);
  expect(await effects()).toHaveLength(1);
  await worker.stop();
});

it('a task for whose effects the disk stays full is put off, uncounted, so that its end keeps nobody waiting', async () => {
  const worker = await startWorker((context) => {
    context.effects(async (tx) => {
      await tx.query('insert into effect values ($1)', [context.taskId]);
      await tx.query(`do $$ begin raise sqlstate '53100' using message = 'no space left on device'; end $$`);
    });
    return Promise.resolve();
  });
  const [id] = await queueTasks(fixture, 1);
  const row = await until(
    'it is put off',
    async () => {
      const now = await taskRow(fixture, id!);
      return now.state === 'queued' && now.fence === 1 && now;
    },
    25,
  );
  expect(row).toMatchObject({ attempts: 0 });
  expect(await fixture.rows('select from holdfast.task where run_at > clock_timestamp()')).toHaveLength(1);
  expect(await effects()).toEqual([]);
  expect(parts.logger.saying("PostgreSQL's disk is full")).toHaveLength(1);
  await worker.stop();
});

it('effects that refuse to write every time, because of what they did themselves, fail the attempt', async () => {
  const worker = await startWorker((context) => {
    context.effects(async (tx) => {
      await tx.query('set transaction read only');
      await tx.query('insert into effect values ($1)', [context.taskId]);
    });
    return Promise.resolve();
  });
  const [id] = await queueTasks(fixture, 1);
  await until('the attempt has failed', () => parts.counters.failedAttempts === 1);
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', attempts: 1, fence: 1 });
  await worker.stop();
});

const failing: [
  what: string,
  write: (tx: Parameters<Parameters<TaskContext['effects']>[0]>[0]) => Promise<unknown>,
  error: RegExp,
][] = [
  ['throws', () => Promise.reject(new RangeError('no such account')), /^RangeError: no such account$/],
  ['breaks a constraint', (tx) => tx.query('insert into effect values (null)'), /null value in column/],
  [
    'swallows the error of a statement',
    (tx) => tx.query('select 1 / 0').catch(() => undefined),
    /one of its statements had failed/,
  ],
];
it.each(failing)('an effect that %s fails the attempt and leaves nothing behind', async (_, write, error) => {
  const worker = await startWorker(async (context) => {
    context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
    context.effects(write);
    await Promise.resolve();
  });
  const [id] = await queueTasks(fixture, 1);
  await until('the attempt has failed', () => parts.counters.failedAttempts === 1);
  const row = await taskRow(fixture, id!);
  expect(row).toMatchObject({ state: 'queued', attempts: 1, fence: 1, finished_at: null });
  expect(row.error).toMatch(error);
  expect(await effects()).toEqual([]);
  expect(await fixture.rows('select error from holdfast.attempt')).toEqual([{ error: row.error }]);
  await worker.stop();
});

it('effects of an attempt that fails do not happen, also those that are written only after its roll-back', async () => {
  const rolledBack = gate();
  const late: Promise<unknown>[] = [];
  const worker = await startWorker((context) => {
    context.effects((tx) => {
      late.push(rolledBack.opened.then(() => tx.query('insert into effect values ($1)', [context.taskId])));
      return Promise.all([...late, Promise.reject(new Error('no such account'))]);
    });
    return Promise.resolve();
  });
  await queueTasks(fixture, 1);
  await until('the attempt has failed', () => parts.counters.failedAttempts === 1);
  rolledBack.open();
  await expect(late[0]).rejects.toThrow(TransactionEndedError);
  expect(await effects()).toEqual([]);
  await worker.stop();
});

it.each([
  ['with effects', true],
  ['without effects', false],
])(
  'a task %s that PostgreSQL refuses to complete has not failed: it is completed later, and not run again',
  async (_, has) => {
    const refuse = `alter table holdfast.task add constraint refuse check (state <> 'done') not valid`;
    await fixture.pool.query(refuse);
    let runs = 0;
    const worker = await startWorker((context) => {
      runs += 1;
      if (has) context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
      return Promise.resolve();
    });
    const [id] = await queueTasks(fixture, 1, { attempts: 1 });
    await until('it was refused', () => parts.logger.saying('refuses the end').length > 0);
    await fixture.pool.query('alter table holdfast.task drop constraint refuse');
    await until('it is done', async () => (await taskRow(fixture, id!)).state === 'done');
    expect(await taskRow(fixture, id!)).toMatchObject({ fence: 1, attempts: 1, error: null });
    expect(runs).toBe(1);
    expect(await effects()).toHaveLength(has ? 1 : 0);
    await worker.stop();
  },
);
