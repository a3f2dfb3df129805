import { z } from 'zod';
import { createTasks, defineTask, Discard, handle, NonRetryable, Snooze } from '../../../src/tasks';
import type { AttemptEvent, Tasks } from '../../../src/tasks';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

const KINDS = ['done', 'dead', 'cancelled', 'snoozed', 'retried'] as const;
const probe = defineTask({ name: 'probe', payload: z.enum(KINDS), backoff: { firstSeconds: 1000 } });
const THROWN = {
  dead: new NonRetryable('no use'),
  cancelled: new Discard('not needed'),
  snoozed: new Snooze(1000),
  retried: new RangeError('perhaps later'),
};
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01';

let fixture: LedgerFixture;
let tasks: Tasks;
let logger: RecordingLogger;

beforeEach(async () => {
  fixture = await ledgerFixture();
  logger = recordingLogger();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger });
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

async function startWorker(): Promise<void> {
  const handler = handle(probe, async ({ payload }) => {
    await Promise.resolve();
    if (payload !== 'done') throw THROWN[payload];
  });
  await tasks.startWorker({ handlers: [handler], queues: [{ name: 'default' }] });
}

it('events tell of every end of an attempt in this process, once it is in the ledger', async () => {
  const heard: Record<string, AttemptEvent[]> = {};
  const states: Promise<string | undefined>[] = [];
  for (const name of ['attempt', 'ended', 'failed', ...KINDS] as const) {
    tasks.on(name, (event) => void (heard[name] ??= []).push(event));
  }
  tasks.on('ended', async ({ taskId }) => {
    states.push(tasks.get(taskId).then((task) => task?.state));
    await Promise.resolve();
  });
  await startWorker();
  const accepted = await tasks.acceptMany(probe, KINDS, { trace: TRACE });
  await until('all have ended', () => heard['attempt']?.length === KINDS.length);

  for (const [i, outcome] of KINDS.entries()) {
    expect(heard[outcome]).toEqual([
      {
        taskId: accepted[i]!.id,
        ...{ name: 'probe', queue: 'default', attempt: 1, maxAttempts: 5, outcome, trace: TRACE },
        durationMs: expect.any(Number) as number,
        error: outcome === 'done' ? undefined : THROWN[outcome],
      },
    ]);
  }
  const outcomes = (name: string): string[] => heard[name]!.map(({ outcome }) => outcome).sort();
  expect(outcomes('ended')).toEqual(['cancelled', 'dead', 'done']);
  expect(outcomes('failed')).toEqual(['dead', 'retried']);
  expect((await Promise.all(states)).sort()).toEqual(['cancelled', 'dead', 'done']);
});

it('a listener that throws or rejects is logged and hurts neither the others nor the task', async () => {
  tasks.on('done', () => {
    throw new Error('thrown by a listener');
  });
  tasks.on('done', () => Promise.reject(new Error('rejected by a listener')));
  let heard = 0;
  tasks.on('done', () => (heard += 1));
  await startWorker();
  const { id } = await tasks.accept(probe, 'done');
  const lines = await until('both are logged', () => {
    const said = logger.saying('a listener to task events failed');
    return said.length === 2 && said;
  });
  const messages = lines.map(({ fields }) => (fields['err'] as Error).message);
  expect(messages.sort()).toEqual(['rejected by a listener', 'thrown by a listener']);
  expect(lines[0]).toMatchObject({ level: 'error', fields: { task: id, event: 'done' } });
  expect(heard).toBe(1);
  expect((await tasks.get(id))?.state).toBe('done');
});

it('a listener hears nothing after it has unsubscribed, also not when the same function listens twice', async () => {
  let heard = 0;
  const listener = (): void => void (heard += 1);
  const off = tasks.on('done', listener);
  tasks.on('done', listener);
  off();
  off();
  let ends = 0;
  tasks.on('ended', () => (ends += 1));
  await startWorker();
  await tasks.accept(probe, 'done');
  await until('it has ended', () => ends === 1);
  expect(heard).toBe(1);
});
