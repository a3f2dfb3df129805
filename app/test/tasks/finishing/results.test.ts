import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';
import type { TaskRecordWithAttempts, Tasks } from '../../../src/tasks';
import { cuttingProxy } from '../support/cutting-proxy';
import { claimedTasks, finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { takeAway, taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';

const summarise = defineTask({
  name: 'summarise',
  payload: z.object({ n: z.number(), effects: z.boolean().default(false), odd: z.string().optional() }),
  result: z.object({ square: z.number() }),
});
const anything = defineTask({ name: 'anything', payload: z.object({ depth: z.number() }) });

let fixture: LedgerFixture;
beforeEach(async () => {
  fixture = await ledgerFixture();
});
afterEach(() => fixture.drop());

describe('handlers may return a result', () => {
  let tasks: Tasks;
  beforeEach(async () => {
    tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
    const square = handle(summarise, async ({ payload, effects }) => {
      await Promise.resolve();
      if (payload.effects) effects((tx) => tx.query('select 1'));
      if (payload.odd !== undefined) return { square: payload.odd } as never;
      return { square: payload.n ** 2 };
    });
    const nest = handle(anything, async ({ payload }) => {
      await Promise.resolve();
      return Array.from({ length: payload.depth }).reduce<unknown[]>((inner) => [inner], []);
    });
    await tasks.startWorker({ handlers: [square, nest], queues: [{ name: 'default' }], concurrency: 50 });
  });
  afterEach(() => tasks.close());

  function ended(id: string): Promise<TaskRecordWithAttempts> {
    return until('it ends', async () => {
      const task = await tasks.get(id);
      return task?.finishedAt !== null && task;
    });
  }

  it('each task of a batch of completions keeps its own', async () => {
    const accepted = await tasks.acceptMany(
      summarise,
      Array.from({ length: 40 }, (_, n) => ({ n })),
    );
    const results = await Promise.all(accepted.map(async ({ id }) => (await ended(id)).result));
    expect(results).toEqual(accepted.map((_, n) => ({ square: n ** 2 })));
    expect((await tasks.list({ limit: 1 })).items).toMatchObject([{ result: { square: 39 ** 2 } }]);
  });

  it('it is written with the effects', async () => {
    const { id } = await tasks.accept(summarise, { n: 3, effects: true });
    expect(await ended(id)).toMatchObject({ state: 'done', result: { square: 9 } });
  });

  it.each([false, true])('one that does not fit its definition is no success (with effects: %s)', async (effects) => {
    const { id } = await tasks.accept(summarise, { n: 1, effects, odd: 'none' });
    const dead = await ended(id);
    expect(dead).toMatchObject({ state: 'dead', attempt: 1, result: null });
    expect(dead.error).toMatch(
      /^NonRetryable: what the handler returned does not fit its definition: result\.square: .*expected number/,
    );
  });

  it('one that PostgreSQL refuses ends the task, and is not written again and again', async () => {
    await fixture.pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin
        raise exception 'nested too deeply' using errcode = '54001';
      end $$;
      create trigger refuse before update on holdfast.task for each row when (new.result is not null)
        execute function refuse()`);
    const { id } = await tasks.accept(anything, { depth: 3 });
    const dead = await ended(id);
    expect(dead).toMatchObject({ state: 'dead', result: null });
    expect(dead.error).toBe('NonRetryable: PostgreSQL does not store the result: error: nested too deeply');
  });
});

it.each([
  ['first', 0],
  ['last', 1],
])('of a batch with a stale result of the same task the one under its fence is kept: it comes %s', async (_, place) => {
  const parts = workerParts(fixture.url);
  const finisher = finisherOf(parts);
  const [opening, task] = await claimedTasks(fixture, parts, 2);
  await takeAway(fixture, task!.id);
  const mine = { task: { ...task!, fence: task!.fence + 1 }, result: '"mine"' };
  const stale = { task: task!, result: '"stale"' };
  // The first goes alone, and while it is under way the others become one batch.
  const before = finisher.done(opening!, '"opening"');
  const batch = place === 0 ? [mine, stale] : [stale, mine];
  const endings = await Promise.all(batch.map(({ task: one, result }) => finisher.done(one, result)));
  expect(endings.sort()).toEqual(['done', 'fenced-off']);
  expect(await before).toBe('done');
  expect(await taskRow(fixture, task!.id)).toMatchObject({ state: 'done', fence: 2, result: 'mine' });
  await parts.close();
});

it('the answer to the COMMIT of a result was lost: it is written once, and repeating is success', async () => {
  const proxy = await cuttingProxy(fixture.url);
  const parts = workerParts(proxy.url);
  const finisher = finisherOf(parts);
  const [batched, withEffects] = await claimedTasks(fixture, parts, 2);
  const expectDone = async (id: string, result: unknown): Promise<void> =>
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'done', fence: 1, result });

  const sentBatch = proxy.loseAnswerTo('array_position');
  const ending = finisher.done(batched!, '{"films":1}');
  await sentBatch;
  await until('it is done', async () => (await taskRow(fixture, batched!.id)).state === 'done');
  proxy.cut();
  expect(await ending).toBe('done');
  await expectDone(batched!.id, { films: 1 });

  const sentCommit = proxy.loseAnswerTo('commit');
  const ended = finisher.doneWithEffects(withEffects!, () => Promise.resolve(), '{"films":2}');
  await sentCommit;
  await until('it is done', async () => (await taskRow(fixture, withEffects!.id)).state === 'done');
  proxy.cut();
  expect(await ended).toBe('done');
  await expectDone(withEffects!.id, { films: 2 });

  await parts.close();
  await proxy.close();
});
