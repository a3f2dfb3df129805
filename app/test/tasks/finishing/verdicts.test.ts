import { z } from 'zod';
import { createTasks, DefinitionError, defineTask, Discard, handle, NonRetryable, Snooze } from '../../../src/tasks';
import type { TaskRecordWithAttempts, Tasks } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { verdictOf } from '../../../src/tasks/running/verdict';
import { finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';

class NotFound extends Error {
  override readonly name = 'NotFound';
}

let toThrow: () => Error;
let inEffects: boolean;
let judge: (error: unknown) => boolean;

const probe = defineTask({
  name: 'probe',
  payload: z.object({}),
  attempts: 3,
  backoff: { firstSeconds: 1000, jitter: 0 },
});
const choosy = defineTask({
  name: 'choosy',
  payload: z.object({}),
  backoff: { firstSeconds: 1000 },
  timeLimitSeconds: 1,
  retryIf: (error) => judge(error),
});

let fixture: LedgerFixture;
let tasks: Tasks;
let logger: RecordingLogger;

beforeAll(async () => {
  fixture = await ledgerFixture();
  logger = recordingLogger();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger });
  await tasks.startWorker({
    handlers: [probe, choosy].map((definition) =>
      handle(definition, async ({ effects, signal }) => {
        await Promise.resolve();
        if (inEffects) effects(() => Promise.reject(toThrow()));
        else if (toThrow === untilAborted) await new Promise((_, reject) => signal.addEventListener('abort', reject));
        else throw toThrow();
      }),
    ),
    queues: [{ name: 'default' }],
  });
});
beforeEach(() => {
  inEffects = false;
});
afterAll(async () => {
  await tasks.close();
  await fixture.drop();
});

const untilAborted = (): never => {
  throw new Error('the handler waits for its signal');
};

/** Accepts a task whose key is held from its start to its finish, and waits for the end of its only attempt. */
async function ended(definition: typeof probe | typeof choosy, state: string): Promise<TaskRecordWithAttempts> {
  const { id } = await tasks.transaction(async (tx) => {
    const accepted = await tasks.accept(tx, definition, {});
    await tx.query(
      `update holdfast.task set unique_key = uuid, held_key = uuid, key_until_finish = true where uuid = $1`,
      [accepted.id],
    );
    return accepted;
  });
  return until(`it is ${state}`, async () => {
    const { fence, state: now } = await taskRow(fixture, id);
    return fence === 1 && now === state && (await tasks.get(id));
  });
}

/** The line that tells of this task's end. */
function endOf(id: string, message: string) {
  return until(`"${message}" is logged`, () => logger.saying(message).find(({ fields }) => fields['task'] === id));
}

async function heldKey(id: string): Promise<unknown> {
  return ((await taskRow(fixture, id)) as unknown as { held_key: unknown }).held_key;
}

describe.each([
  ['thrown by the handler', false],
  ['thrown by its effects', true],
])('a verdict %s', (_, fromEffects) => {
  beforeEach(() => (inEffects = fromEffects));

  it('Discard: the task is cancelled with the reason, its key is free, and nobody is alarmed', async () => {
    toThrow = () => new Discard('the film is gone');
    const task = await ended(probe, 'cancelled');
    expect(task).toMatchObject({ attempt: 1, error: 'Discard: the film is gone' });
    expect(task.finishedAt).not.toBeNull();
    expect(task.attempts).toMatchObject([{ attempt: 1, error: 'Discard: the film is gone' }]);
    expect(await taskRow(fixture, task.id)).toMatchObject({ dead_reason: null, worker_id: null });
    expect(await heldKey(task.id)).toBeNull();
    expect((await endOf(task.id, 'task is cancelled by its handler')).level).toBe('debug');
  });

  it('NonRetryable: the task is dead at once with the reason, its key is free, and it is an error', async () => {
    toThrow = () => new NonRetryable('no such film');
    const task = await ended(probe, 'dead');
    expect(task).toMatchObject({ attempt: 1, maxAttempts: 3, error: 'NonRetryable: no such film' });
    expect(task.attempts).toMatchObject([{ attempt: 1, error: 'NonRetryable: no such film' }]);
    expect(await taskRow(fixture, task.id)).toMatchObject({ dead_reason: 'non-retryable' });
    expect(await heldKey(task.id)).toBeNull();
    expect((await endOf(task.id, 'task is dead')).level).toBe('error');
  });

  it.each([
    ['seconds', () => new Snooze(3600)],
    ['a date', () => new Snooze(new Date(Date.now() + 3_600_000))],
  ])('Snooze with %s: queued for then, uncounted, nothing noted, the key still held', async (__, snooze) => {
    toThrow = snooze;
    const earliest = Date.now();
    const task = await ended(probe, 'queued');
    expect(task).toMatchObject({ attempt: 0, maxAttempts: 3, error: null, finishedAt: null, attempts: [] });
    // The database's clock is this machine's; the second is for the time that a date needs to get there.
    expect(task.runAt.getTime()).toBeGreaterThan(earliest + 3_599_000);
    expect(task.runAt.getTime()).toBeLessThan(Date.now() + 3_601_000);
    expect(await heldKey(task.id)).toBe(task.id);
    expect((await endOf(task.id, 'snoozed for 3600 s')).level).toBe('debug');
  });

  it('any other error: queued after the backoff, counted and noted, the key still held', async () => {
    toThrow = () => new RangeError('not now');
    const task = await ended(probe, 'queued');
    expect(task).toMatchObject({ attempt: 1, error: 'RangeError: not now' });
    expect(task.attempts).toMatchObject([{ attempt: 1, error: 'RangeError: not now' }]);
    expect(task.runAt.getTime() - task.attempts[0]!.finishedAt!.getTime()).toBe(1_000_000);
    expect(await heldKey(task.id)).toBe(task.id);
    expect((await endOf(task.id, 'it will be repeated')).level).toBe('warn');
  });

  it('retryIf answers false: dead at once; true: another attempt', async () => {
    judge = (error) => !(error instanceof NotFound);
    toThrow = () => new NotFound('no such page');
    const dead = await ended(choosy, 'dead');
    expect(dead).toMatchObject({ attempt: 1, maxAttempts: 5, error: 'NotFound: no such page' });
    expect(await taskRow(fixture, dead.id)).toMatchObject({ dead_reason: 'non-retryable' });
    toThrow = () => new RangeError('later perhaps');
    expect(await ended(choosy, 'queued')).toMatchObject({ attempt: 1, error: 'RangeError: later perhaps' });
  });
});

it('retryIf is asked about an attempt that took too long as well', async () => {
  const asked: unknown[] = [];
  judge = (error) => asked.push(error) === 0;
  toThrow = untilAborted;
  const dead = await ended(choosy, 'dead');
  expect(asked).toMatchObject([{ name: 'AttemptAborted', reason: 'time-limit' }]);
  expect(dead.error).toBe('AttemptAborted: the attempt took longer than its time limit');
});

it('a retryIf that throws counts as true, and it is said', async () => {
  judge = () => {
    throw new TypeError('cannot read this error');
  };
  toThrow = () => new Error('odd');
  const task = await ended(choosy, 'queued');
  expect(task.error).toBe('Error: odd');
  const line = await endOf(task.id, 'retryIf of the definition threw');
  expect(line).toMatchObject({ level: 'error', fields: { err: { message: 'cannot read this error' } } });
});

it('a task that is snoozed a thousand times stays within its budget', async () => {
  const parts = workerParts(fixture.url);
  const worker = await workerRow(fixture, ['patient@1']);
  const [id] = (await queueTasks(fixture, 1, { name: 'patient', attempts: 1 })) as [string];
  const claimer = new Claimer(parts.ledger, ['patient@1'], ['default']);
  const finisher = finisherOf(parts);
  const snooze = { thrown: new Snooze(0), abortion: undefined, definition: undefined, onBadPolicy: () => undefined };
  for (let times = 1; times <= 1000; times += 1) {
    const [task] = await claimer.byId(worker, [id]);
    expect(task).toMatchObject({ fence: times, attempt: 1 });
    expect(await finisher.failed({ task: task!, ...verdictOf({ ...snooze, failures: 1 }) })).toBe('queued');
  }
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'queued', attempts: 0, max_attempts: 1, fence: 1000 });
  expect(await fixture.rows('select from holdfast.attempt where task_id = $1', [id])).toEqual([]);
  const [task] = await claimer.byId(worker, [id]);
  expect(await finisher.done(task!)).toBe('done');
  await parts.close();
});

it.each([
  ['no number', NaN],
  ['over a year', 367 * 24 * 3600],
  ['no date', new Date(NaN)],
])('Snooze refuses %s', (_, given) => {
  expect(() => new Snooze(given)).toThrow(DefinitionError);
});

it('Snooze until a past moment means at once', () => {
  expect(new Snooze(new Date(0)).seconds).toBe(0);
  expect(new Snooze(-5).seconds).toBe(0);
});
