import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';
import type { TaskContext, Tasks } from '../../../src/tasks';
import { gate } from '../support/gate';
import type { Gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM, FINISH } from '../support/statements';
import { queueTasks, taskRow, taskRows } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const probe = defineTask({ name: 'probe', payload: z.looseObject({}), backoff: { firstSeconds: 3600 } });
const queues = [{ name: 'default' }];

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

async function progressOf(id: string): Promise<unknown> {
  return (await taskRow(fixture, id)).progress;
}

it('progress can be read while the task runs, and the last value wins', async () => {
  const steps: Gate[] = [gate(), gate()];
  const works = handle(probe, async (context) => {
    context.progress({ rows: 1 });
    await steps[0]!.opened;
    context.progress({ rows: 2 });
    context.progress({ rows: 3 });
    await steps[1]!.opened;
    context.progress('all');
  });
  await tasks.startWorker({ handlers: [works], queues });
  const { id } = await tasks.accept(probe, {});
  const progress = (): Promise<unknown> => tasks.get(id).then((task) => task?.progress);
  await until('the first is written', async () => JSON.stringify(await progress()) === '{"rows":1}');
  steps[0]!.open();
  await until('the last is written', async () => JSON.stringify(await progress()) === '{"rows":3}');
  steps[1]!.open();
  await until('it is done', async () => (await tasks.get(id))?.state === 'done');
  expect(await progress()).toBe('all');
});

const mistakes: [what: string, value: unknown, error: RegExp][] = [
  ['too large', 'x'.repeat(5_000), /TypeError: progress: .* 5002 bytes .* at most 4096/],
  ['no JSON', undefined, /TypeError: progress: .* JSON/],
  [
    'a circle',
    (() => {
      const circle: { self?: unknown } = {};
      circle.self = circle;
      return circle;
    })(),
    /TypeError/,
  ],
];
it.each(mistakes)('progress that is %s is the handler’s error', async (_, value, error) => {
  await tasks.startWorker({
    handlers: [handle(probe, (context) => Promise.resolve().then(() => context.progress(value)))],
    queues,
  });
  const { id } = await tasks.accept(probe, {});
  await until('the attempt has failed', async () => (await taskRow(fixture, id)).error?.match(error) != null);
  expect(await progressOf(id)).toBeNull();
});

it('a new attempt begins without the progress of the one before', async () => {
  const second = gate();
  const works = handle(probe, async (context) => {
    if (context.attempt === 2) return second.opened;
    context.progress(1);
    throw new Error('half way');
  });
  await tasks.startWorker({ handlers: [works], queues });
  const { id } = await tasks.accept(probe, {});
  await until('the first has failed', async () => (await taskRow(fixture, id)).error !== null);
  expect(await progressOf(id)).toBe(1);
  await fixture.pool.query('update holdfast.task set run_at = now()');
  await until('the second runs', async () => (await taskRow(fixture, id)).state === 'running');
  expect(await progressOf(id)).toBeNull();
  second.open();
});

/** Resolves when the worker has looked for more tasks often enough that progress would have been written meanwhile. */
async function severalTakes({ ledger }: TestParts): Promise<void> {
  const before = ledger.count(CLAIM.oldest);
  await until('the worker has looked for more', () => ledger.count(CLAIM.oldest) >= before + 5);
}

describe('when PostgreSQL is slow to take progress', () => {
  it('a task’s end does not overtake its last value', async () => {
    const parts = workerParts(fixture.url);
    const sent = gate();
    const slow = gate();
    parts.ledger.before(FINISH.progress, () => {
      sent.open();
      return slow.opened;
    });
    const returned = gate();
    const works = handle(probe, async (context) => {
      context.progress('last');
      await sent.opened;
      returned.open();
    });
    const worker = await parts.startWorker({ handlers: [works], queues });
    const [id] = await queueTasks(fixture, 1);
    await returned.opened;
    await until('a later task would be done by now', () => parts.ledger.count(FINISH.done) > 0, 0.3).catch(
      () => undefined,
    );
    slow.open();
    await until('it is done', async () => (await taskRow(fixture, id!)).state === 'done');
    expect(await progressOf(id!)).toBe('last');
    await worker.stop();
    await parts.close();
  });

  it('a value that was sent first is not written last', async () => {
    const parts = workerParts(fixture.url);
    const first = gate();
    const slow = gate();
    let sent = 0;
    parts.ledger.before(FINISH.progress, () => {
      sent += 1;
      if (sent > 1) return;
      first.open();
      return slow.opened;
    });
    const more = gate();
    const works = handle(probe, async (context) => {
      context.progress(1);
      await first.opened;
      context.progress(2);
      await more.opened;
    });
    const worker = await parts.startWorker({ handlers: [works], queues });
    const [id] = await queueTasks(fixture, 1);
    await first.opened;
    await severalTakes(parts);
    slow.open();
    await until('the first was answered', () => parts.ledger.answered(FINISH.progress) >= 1);
    await until('the second is written', async () => (await progressOf(id!)) === 2);
    await until('both were answered', () => parts.ledger.answered(FINISH.progress) === 2);
    expect(await progressOf(id!)).toBe(2);
    more.open();
    await worker.stop();
    await parts.close();
  });
});

it('a handler’s own long transaction keeps neither its progress nor other tasks from being written', async () => {
  const release = gate();
  const holding: TaskContext[] = [];
  const works = handle(probe, async (context) => {
    if (context.payload.long !== true) return;
    await context.transaction(async () => {
      holding.push(context);
      context.progress('half way');
      await release.opened;
    });
  });
  await tasks.startWorker({ handlers: [works], queues, concurrency: 5 });
  const { id } = await tasks.accept(probe, { long: true });
  await until('its transaction is open', () => holding.length === 1);
  const others = (await tasks.acceptMany(probe, Array(5).fill({}))).map((task) => task.id);
  await until('the others are done', async () =>
    (await taskRows(fixture, others)).every((row) => row.state === 'done'),
  );
  release.open();
  await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
});

it('progress that PostgreSQL cannot store is left out; that of other tasks is written', async () => {
  const release = gate();
  let values = 0;
  const works = handle(probe, async (context) => {
    context.progress(context.payload.text);
    values += 1;
    await release.opened;
  });
  await tasks.acceptMany(probe, [{ text: 'a' }, { text: 'b' }, { text: 'c' }]);
  await fixture.pool.query(`update holdfast.task set payload = '{"text": "escape"}' where payload->>'text' = 'b'`);
  const odd = handle(probe, (context) => works.run({ ...context, payload: nul(context.payload) }));
  await tasks.startWorker({ handlers: [odd], queues });
  await until('all have set theirs', () => values === 3);
  const written = async (): Promise<unknown[]> =>
    (await fixture.rows<{ progress: unknown }>('select progress from holdfast.task order by id')).map(
      (row) => row.progress,
    );
  await until('the others are written', async () => (await written()).filter((value) => value !== null).length === 2);
  expect(await written()).toEqual(['a', null, 'c']);
  release.open();
});

function nul(payload: Record<string, unknown>): Record<string, unknown> {
  return payload.text === 'escape' ? { text: '\u0000' } : payload;
}
