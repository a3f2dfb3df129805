import { z } from 'zod';
import { AttemptAborted, createTasks, defineTask, handle, Snooze } from '../../../src/tasks';
import type { TaskContext, TaskRecordWithAttempts, Tasks } from '../../../src/tasks';
import { aborted, gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import type { RecordingLogger } from '../support/recording-logger';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';

const backoff = { firstSeconds: 3600 };
const film = defineTask({ name: 'film', payload: z.object({ title: z.string(), year: z.number().default(1900) }) });
const slow = defineTask({ name: 'slow', payload: z.object({}), timeLimitSeconds: 1, backoff });

let fixture: LedgerFixture;
let logger: RecordingLogger;
let tasks: Tasks;

beforeEach(async () => {
  fixture = await ledgerFixture();
  logger = recordingLogger();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger });
});
afterEach(async () => {
  await tasks.close();
  await fixture.drop();
});

const queues = [{ name: 'default' }];

function reaches(id: string, state: string): Promise<TaskRecordWithAttempts> {
  return until(`it is ${state}`, async () => {
    const task = await tasks.get(id);
    return task?.state === state && task;
  });
}

it('the handler gets the payload as its schema reads it, and which attempt this is', async () => {
  const contexts: TaskContext<typeof film>[] = [];
  await tasks.startWorker({
    handlers: [handle(film, (context) => Promise.resolve(void contexts.push(context)))],
    queues,
  });
  const { id } = await tasks.accept(film, { title: 'Nosferatu' }, { attempts: 7 });
  await reaches(id, 'done');
  expect(contexts).toHaveLength(1);
  const { payload, attempt, maxAttempts, taskId } = contexts[0]!;
  expect(payload).toEqual({ title: 'Nosferatu', year: 1900 });
  expect({ attempt, maxAttempts, taskId }).toEqual({ attempt: 1, maxAttempts: 7, taskId: id });
});

it('the fence tells each run of a task from the ones before, also where the attempt is not counted', async () => {
  const runs: Pick<TaskContext, 'attempt' | 'fence'>[] = [];
  const snoozes = handle(film, ({ attempt, fence }) => {
    runs.push({ attempt, fence });
    if (runs.length === 1) throw new Snooze(new Date());
    return Promise.resolve();
  });
  await tasks.startWorker({ handlers: [snoozes], queues });
  await reaches((await tasks.accept(film, { title: 'Nosferatu' })).id, 'done');
  expect(runs).toEqual([
    { attempt: 1, fence: 1 },
    { attempt: 1, fence: 2 },
  ]);
});

it('a payload that no longer fits its schema never reaches the handler: the task is dead and says what is wrong', async () => {
  let calls = 0;
  const { id } = await tasks.accept(film, { title: 'Nosferatu' });
  await fixture.pool.query(`update holdfast.task set payload = '{"title": 1922}'`);
  await tasks.startWorker({ handlers: [handle(film, () => Promise.resolve(void (calls += 1)))], queues });
  const dead = await reaches(id, 'dead');
  expect(dead.error).toMatch(/payload does not fit its schema[^]*title/);
  expect(calls).toBe(0);
});

it('at its time limit the signal aborts and the attempt fails for it, whatever the handler says', async () => {
  const reasons: unknown[] = [];
  const obeys = handle(slow, async ({ signal }) => {
    reasons.push(await aborted(signal));
    throw new Error('interrupted');
  });
  await tasks.startWorker({ handlers: [obeys], queues });
  const { id } = await tasks.accept(slow, {});
  const task = await until('the attempt has failed', async () => {
    const found = await tasks.get(id);
    return found?.error !== null && found;
  });
  expect(reasons[0]).toBeInstanceOf(AttemptAborted);
  expect(reasons[0]).toMatchObject({ reason: 'time-limit' });
  expect(task).toMatchObject({ state: 'queued', attempt: 1 });
  expect(task.error).toMatch(/longer than its time limit/);
});

it('a handler that ignores its signal is given up after the grace; the other slots go on working all the while', async () => {
  const release = gate();
  const ignores = handle(slow, () => release.opened);
  await tasks.startWorker({ handlers: [ignores, handle(film, () => Promise.resolve())], queues, concurrency: 2 });
  const { id } = await tasks.accept(slow, {});
  await reaches(id, 'running');
  let meanwhile = 0;
  const givenUp = (): boolean => logger.saying('does not obey its signal').length > 0;
  const task = await until(
    'it is given up',
    async () => {
      const other = await tasks.accept(film, { title: String(meanwhile) });
      const isDone = async (): Promise<boolean> => (await tasks.get(other.id))?.state === 'done';
      await until('the other is done, or the worker takes no more', async () => (await isDone()) || givenUp());
      if (await isDone()) meanwhile += 1;
      const found = await tasks.get(id);
      return found?.state === 'queued' && found;
    },
    15,
  );
  expect(meanwhile).toBeGreaterThan(5);
  expect(task.error).toMatch(/longer than its time limit/);
  expect(task.attempts).toHaveLength(1);
  expect(logger.saying('does not obey its signal')).toHaveLength(1);
  // Returning in the end changes nothing any more.
  const before = await taskRow(fixture, id);
  release.open();
  await tasks.startWorker({ handlers: [handle(film, () => Promise.resolve())], queues });
  await reaches((await tasks.accept(film, { title: 'last' })).id, 'done');
  expect(await taskRow(fixture, id)).toEqual(before);
}, 30_000);

it('what a handler logs carries its task and attempt', async () => {
  const writes = handle(film, ({ log, payload }) => {
    log.info({ title: payload.title }, 'imported');
    return Promise.reject(new Error('broken'));
  });
  await tasks.startWorker({ handlers: [writes], queues });
  const { id } = await tasks.accept(film, { title: 'Nosferatu' }, { attempts: 1 });
  await until('it is reported dead', () => logger.saying('task is dead').length > 0);
  const ids = { task: id, name: 'film', attempt: 1 };
  expect(logger.saying('imported')).toEqual([
    { level: 'info', message: 'imported', fields: { ...ids, title: 'Nosferatu' } },
  ]);
  expect(logger.saying('task is dead')[0]!.fields).toMatchObject(ids);
});

const thrown: [what: string, thrown: Error, text: RegExp][] = [
  ['an object without a prototype', Object.create(null) as Error, /cannot be shown/],
  ['an error whose message throws', Object.defineProperty(new Error(), 'message', { get: fails }), /cannot be shown/],
  ['an error whose code throws', Object.defineProperty(new Error('odd'), 'code', { get: fails }), /^Error: odd$/],
  [
    'a proxy that refuses every look',
    new Proxy(new Error(), { get: fails, getPrototypeOf: fails, has: fails }),
    /cannot be shown/,
  ],
  ['a huge message', new Error('x'.repeat(20_000_000)), /^Error: x{100,4000}$/],
  ['text that PostgreSQL cannot store', new Error('a\u0000b'), /^Error: ab$/],
  ['nothing', undefined as unknown as Error, /^undefined$/],
];
function fails(): never {
  throw new Error('do not look');
}
it.each(thrown)('an attempt that throws %s has failed, once', async (_, value, text) => {
  let runs = 0;
  const odd = handle(film, () => {
    runs += 1;
    return Promise.reject(value);
  });
  await tasks.startWorker({ handlers: [odd], queues });
  const { id } = await tasks.accept(film, { title: 'Nosferatu' }, { attempts: 1 });
  const dead = await reaches(id, 'dead');
  expect(dead.error).toMatch(text);
  expect({ runs, attempts: dead.attempts.length }).toEqual({ runs: 1, attempts: 1 });
});

it('an attempt whose error PostgreSQL refuses to store has failed all the same, and counts', async () => {
  await fixture.pool.query(`alter table holdfast.attempt add check (error not like '%unheard%')`);
  const odd = handle(film, () => Promise.reject(new Error('unheard of')));
  await tasks.startWorker({ handlers: [odd], queues });
  const { id } = await tasks.accept(film, { title: 'Nosferatu' }, { attempts: 1 });
  const dead = await reaches(id, 'dead');
  expect(dead.error).toMatch(/could not be stored/);
  expect(dead.attempts).toHaveLength(1);
});
