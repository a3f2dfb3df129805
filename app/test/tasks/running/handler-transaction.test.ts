import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';
import type { TaskContext, Tasks } from '../../../src/tasks';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';

const parent = defineTask({ name: 'parent', payload: z.object({}) });
const backoff = { firstSeconds: 3600 };
const heir = defineTask({ name: 'heir', payload: z.object({}), backoff });
const child = defineTask({ name: 'child', payload: z.object({ n: z.number() }), queue: 'children' });

let fixture: LedgerFixture;
let tasks: Tasks;

beforeEach(async () => {
  fixture = await ledgerFixture();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

const children = (): Promise<unknown[]> => fixture.rows(`select payload from holdfast.task where name = 'child'`);

it('accepts follow-up tasks while the task is still its own', async () => {
  const splits = handle(parent, async (context) => {
    await context.transaction((tx) => tasks.acceptMany(tx, child, [{ n: 1 }, { n: 2 }]));
  });
  await tasks.startWorker({ handlers: [splits], queues: [{ name: 'default' }] });
  const { id } = await tasks.accept(parent, {});
  await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
  expect(await children()).toHaveLength(2);
});

it('is rolled back when the task went to another worker before, and the attempt writes nothing more', async () => {
  const refused = gate();
  let error: unknown;
  const splits = handle(parent, async (context) => {
    await takeAway(fixture, context.taskId);
    await context
      .transaction((tx) => tasks.accept(tx, child, { n: 1 }))
      .catch((thrown: unknown) => {
        error = thrown;
        refused.open();
        throw thrown;
      });
  });
  const worker = await tasks.startWorker({ handlers: [splits], queues: [{ name: 'default' }] });
  const { id } = await tasks.accept(parent, {});
  await refused.opened;
  expect(error).toMatchObject({ name: 'FencedOff' });
  await worker.stop();
  expect(await children()).toEqual([]);
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'running', fence: 2, error: null });
});

it('holds the task until it ends: who wants to take it away waits for its commit', async () => {
  const inside = gate();
  const release = gate();
  const returned = gate();
  const splits = handle(parent, async (context) => {
    await context.transaction(async (tx) => {
      await tasks.accept(tx, child, { n: 1 });
      inside.open();
      await release.opened;
    });
    await returned.opened;
  });
  await tasks.startWorker({ handlers: [splits], queues: [{ name: 'default' }] });
  const { id } = await tasks.accept(parent, {});
  await inside.opened;
  const taking = takeAway(fixture, id);
  await until('the taking waits', async () => {
    const waiting = await fixture.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return waiting.length === 1;
  });
  expect(await children()).toEqual([]);
  release.open();
  await taking;
  expect(await children()).toHaveLength(1);
  returned.open();
});

describe('another attempt that was fenced off', () => {
  const ways: [where: string, end: (context: TaskContext, refused: () => Promise<unknown>) => Promise<unknown>][] = [
    ['the handler', (_, refused) => refused()],
    [
      'an effect',
      ({ effects }, refused) => {
        effects(refused);
        return Promise.resolve();
      },
    ],
  ];
  it.each(ways)('does not end this one: its refusal, thrown by %s, is a failure like any other', async (_, end) => {
    const others: TaskContext[] = [];
    const returned = gate();
    const loses = handle(parent, async (context) => {
      others.push(context);
      await takeAway(fixture, context.taskId);
      await returned.opened;
    });
    const inherits = handle(heir, async (context) => {
      await end(context, () => others[0]!.transaction(() => Promise.resolve()));
    });
    await tasks.startWorker({ handlers: [loses, inherits], queues: [{ name: 'default' }] });
    await tasks.accept(parent, {});
    await until('the other is fenced off', () => others.length === 1);
    const { id } = await tasks.accept(heir, {});
    await until('the attempt has failed', async () => (await taskRow(fixture, id)).error !== null, 3);
    const row = await taskRow(fixture, id);
    expect(row).toMatchObject({ state: 'queued', attempts: 1 });
    expect(row.error).toMatch(/^FencedOff/);
    returned.open();
  });
});

describe('that outlasts its handler', () => {
  it('keeps no other task from ending; after a grace it is rolled back and its own task ends as the handler did', async () => {
    const outcomes: unknown[] = [];
    const inside = gate();
    const forgets = handle(parent, async (context) => {
      context
        .transaction(async (tx) => {
          await tasks.accept(tx, child, { n: 1 });
          inside.open();
          await tx.query('select pg_sleep(60)');
        })
        .catch((error: unknown) => outcomes.push(error));
      await inside.opened;
    });
    const quick = handle(heir, () => Promise.resolve());
    await tasks.startWorker({ handlers: [forgets, quick], queues: [{ name: 'default' }] });
    const { id } = await tasks.accept(parent, {});
    await inside.opened;
    for (let n = 0; n < 5; n += 1) {
      const { id: other } = await tasks.accept(heir, {});
      await until('another is done', async () => (await taskRow(fixture, other)).state === 'done', 2);
    }
    expect((await taskRow(fixture, id)).state).toBe('running');
    await until('its own is done', async () => (await taskRow(fixture, id)).state === 'done');
    expect(await taskRow(fixture, id)).toMatchObject({ fence: 1, attempts: 1 });
    expect(outcomes).toHaveLength(1);
    expect(await children()).toEqual([]);
  });

  it('does not keep its task from being given back when the worker has to go', async () => {
    const inside = gate();
    const stuck = handle(parent, async (context) => {
      await context.transaction(async (tx) => {
        inside.open();
        await tx.query('select pg_sleep(60)');
      });
    });
    const worker = await tasks.startWorker({ handlers: [stuck], queues: [{ name: 'default' }] });
    const { id } = await tasks.accept(parent, {});
    await inside.opened;
    await worker.stop({ deadlineSeconds: 0 });
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'queued', fence: 1, attempts: 0 });
  });

  it('or begins only after it, is refused', async () => {
    const contexts: TaskContext[] = [];
    const returns = handle(parent, (context) => Promise.resolve(void contexts.push(context)));
    await tasks.startWorker({ handlers: [returns], queues: [{ name: 'default' }] });
    const { id } = await tasks.accept(parent, {});
    await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
    await expect(contexts[0]!.transaction(() => Promise.resolve())).rejects.toThrow('the attempt is over');
  });
});
