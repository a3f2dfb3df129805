import { z } from 'zod';
import { createTasks, defineTask, handle, InvalidTaskError } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';

const probe = defineTask({ name: 'probe', payload: z.number() });
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const traceOf = (n: number): string => `00-${TRACE_ID}-${n.toString(16).padStart(16, '0')}-01`;

let fixture: LedgerFixture;
let tasks: Tasks;
let logger: RecordingLogger;
let current: () => string | undefined;

beforeEach(async () => {
  fixture = await ledgerFixture();
  logger = recordingLogger();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger, trace: () => current() });
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

async function stored(id: string): Promise<unknown> {
  return ((await taskRow(fixture, id)) as unknown as { trace: unknown }).trace;
}

describe('trace context is carried from accept to handler', () => {
  it('each of many accepts that share a commit has its own, in whatever form it is accepted', async () => {
    let calls = 0;
    current = () => traceOf((calls += 1));
    const alone = await Promise.all(Array.from({ length: 50 }, (_, n) => tasks.accept(probe, n)));
    expect(await Promise.all(alone.map(({ id }) => stored(id)))).toEqual(alone.map((_, n) => traceOf(n + 1)));
    const many = await tasks.acceptMany(probe, [1, 2]);
    const inside = await tasks.transaction((tx) => tasks.accept(tx, probe, 3));
    const all = await Promise.all([...many, inside].map(({ id }) => stored(id)));
    expect(all).toEqual([traceOf(51), traceOf(51), traceOf(52)]);
  });

  it('the one that the caller names goes before the one of the moment', async () => {
    current = () => traceOf(1);
    const { id } = await tasks.accept(probe, 1, { trace: traceOf(2) });
    expect(await stored(id)).toBe(traceOf(2));
  });

  it('the handler gets it, and each line about the attempt names its trace', async () => {
    current = () => traceOf(7);
    const { id } = await tasks.accept(probe, 1);
    const seen: unknown[] = [];
    const handler = handle(probe, async (context) => {
      seen.push(context.trace);
      context.log.info({}, 'at work');
      await Promise.resolve();
    });
    await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
    const lines = await until('its end is logged', () => {
      const done = logger.saying('task done');
      return done.length > 0 && [...logger.saying('at work'), ...done];
    });
    expect(seen).toEqual([traceOf(7)]);
    for (const { fields } of lines) expect(fields).toMatchObject({ task: id, traceId: TRACE_ID });
  });

  it.each([
    ['no trace', () => undefined],
    ['something else', () => 'no trace'],
    ['a trace of zeros', () => `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`],
    [
      'an error',
      () => {
        throw new Error('tracing is broken');
      },
    ],
  ])('tracing that answers with %s keeps no task from being accepted', async (_, answer) => {
    current = answer;
    const { id } = await tasks.accept(probe, 1);
    expect(await stored(id)).toBeNull();
    const inHandler: unknown[] = [];
    const handler = handle(probe, (context) => Promise.resolve(inHandler.push(context.trace)));
    await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
    await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
    expect(inHandler).toEqual([undefined]);
  });

  it('a caller that names something else is told', async () => {
    current = () => undefined;
    const accepting = tasks.accept(probe, 1, { trace: 'abc' });
    await expect(accepting).rejects.toThrow(InvalidTaskError);
    await expect(accepting).rejects.toThrow('trace: "abc" is no W3C traceparent');
  });
});
