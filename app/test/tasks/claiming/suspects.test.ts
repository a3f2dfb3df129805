import { z } from 'zod';
import { defineTask, handle } from '../../../src/tasks';
import type { TaskHandler } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { retryTasks } from '../../../src/tasks/flows/reviving';
import type { TaskWorker } from '../../../src/tasks/worker';
import { gate } from '../support/gate';
import type { Gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { CLAIM, FINISH } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const probe = defineTask({ name: 'probe', payload: z.object({}), backoff: { firstSeconds: 3600 } });
const other = defineTask({ name: 'other', payload: z.object({}) });

let fixture: LedgerFixture;
let parts: TestParts;

beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

/** Tasks under which two workers were lost. */
async function suspects(count: number, fields: Parameters<typeof queueTasks>[2] = {}): Promise<string[]> {
  const ids = await queueTasks(fixture, count, fields);
  await fixture.pool.query(
    `update holdfast.task set crashes = 2, resume_at = run_at, run_at = 'infinity' where id = any ($1::bigint[])`,
    [ids],
  );
  return ids;
}

interface Held {
  readonly handler: TaskHandler;
  /** Uuids of those that have begun, in that order. */
  readonly begun: string[];
  readonly release: (uuid: string) => void;
}

/** A handler of which each call waits until the test lets it go. */
function held(): Held {
  const begun: string[] = [];
  const gates = new Map<string, Gate>();
  const handler = handle(probe, async ({ taskId }) => {
    const own = gate();
    gates.set(taskId, own);
    begun.push(taskId);
    await own.opened;
  });
  return { handler, begun, release: (uuid) => gates.get(uuid)?.open() };
}

function start(...handlers: TaskHandler[]): Promise<TaskWorker> {
  return parts.startWorker({ handlers, queues: [{ name: 'default' }, { name: 'second' }], concurrency: 2 });
}

async function uuidOf(id: string): Promise<string> {
  return (await taskRow(fixture, id)).uuid;
}

async function isDone(id: string): Promise<boolean> {
  return (await taskRow(fixture, id)).state === 'done';
}

it('suspects run one at a time in a slot of their own while the other slots go on working', async () => {
  const [first, second] = await suspects(2);
  const { handler, begun, release } = held();
  const quick = handle(other, () => Promise.resolve());
  const worker = await start(handler, quick);
  await until('one has begun', () => begun.length === 1);
  expect(begun).toEqual([await uuidOf(first!)]);
  expect(worker.running).toBe(1);

  const asked = parts.ledger.count(CLAIM.suspect);
  const rest = await queueTasks(fixture, 20, { name: 'other' });
  const twoSlots = await queueTasks(fixture, 2);
  for (const id of rest) await until('the others are done', () => isDone(id));
  await until('both other slots are busy beside it', () => begun.length === 3);
  expect(begun.slice(1).sort()).toEqual(await Promise.all(twoSlots.map(uuidOf)).then((uuids) => uuids.sort()));
  // It does not even ask for a second one.
  expect(parts.ledger.count(CLAIM.suspect)).toBe(asked);
  expect(await taskRow(fixture, second!)).toMatchObject({ state: 'queued', fence: 0 });

  release(begun[0]!);
  await until('the second has begun', () => begun.length === 4);
  expect(begun[3]).toBe(await uuidOf(second!));
  for (const uuid of begun) release(uuid);
  await until('it is done', () => isDone(second!));
});

it('the next suspect waits until the end of the one before is in the ledger: the loss of both would not say which it was', async () => {
  const [first, second] = await suspects(2);
  const { handler, begun, release } = held();
  await start(handler);
  await until('one has begun', () => begun.length === 1);
  const lock = await fixture.connect();
  await lock.query('begin');
  await lock.query('select from holdfast.task where id = $1 for update', [first]);
  const asked = parts.ledger.count(CLAIM.suspect);
  release(begun[0]!);
  await until('its end was refused, as somebody holds its row', () => parts.ledger.count(FINISH.outcome) > 0);
  // Somebody who asks for work beside it is answered, so the slot for suspects would have been, too.
  const [normal] = await queueTasks(fixture, 1);
  await until('another task has begun', () => begun.length === 2);
  expect(begun[1]).toBe(await uuidOf(normal!));
  expect(parts.ledger.count(CLAIM.suspect)).toBe(asked);
  await lock.query('rollback');
  await until('the second suspect has begun', () => begun.length === 3);
  expect(begun[2]).toBe(await uuidOf(second!));
  expect(await isDone(first!)).toBe(true);
  for (const uuid of begun) release(uuid);
  await until('it is done', () => isDone(second!));
});

it('the slot for suspects takes nothing else: no claim for other slots reads them', async () => {
  const [id] = await suspects(1);
  const claimer = new Claimer(parts.ledger, ['probe@1'], ['default']);
  const worker = await workerRow(fixture);
  expect(await claimer.byId(worker, [id!])).toEqual([]);
  expect(await claimer.oldest(worker, [{ queue: 'default', priority: 1 }], 5)).toEqual([]);
  expect(await claimer.suspect(worker)).toMatchObject({ id, suspect: true });
  expect(await claimer.suspect(worker)).toBeUndefined();
});

it('the suspect that has been due longest comes first, whatever its queue; one not due yet waits', async () => {
  await suspects(1, { runInSeconds: 3600, queue: 'second' });
  const [late] = await suspects(1, { runInSeconds: -5 });
  const [early] = await suspects(1, { runInSeconds: -10, queue: 'second' });
  await suspects(1, { runInSeconds: -20, name: 'unheard-of' });
  const claimer = new Claimer(parts.ledger, ['probe@1'], ['default', 'second']);
  const worker = await workerRow(fixture);
  expect((await claimer.suspect(worker))?.id).toBe(early);
  expect((await claimer.suspect(worker))?.id).toBe(late);
  expect(await claimer.suspect(worker)).toBeUndefined();
});

it('two workers claim two suspects: neither waits for the row that the other has locked', async () => {
  const [first, second] = await suspects(2);
  const [one, two] = [await workerRow(fixture), await workerRow(fixture)];
  const connection = await fixture.connect();
  await connection.query('begin');
  const claimed = await connection.query<{ id: string }>(CLAIM.suspect, [one, ['probe@1'], ['default']]);
  expect(claimed.rows.map((row) => row.id)).toEqual([first]);
  expect((await new Claimer(parts.ledger, ['probe@1'], ['default']).suspect(two))?.id).toBe(second);
  await connection.query('commit');
});

it.each([
  ['paused', `insert into holdfast.queue (name, paused_at) values ('default', now())`],
  ['limited', `insert into holdfast.queue (name, max_running) values ('default', 1)`],
])('suspects of a %s queue are left alone', async (_, setting) => {
  await suspects(1);
  await fixture.pool.query(setting);
  const worker = await workerRow(fixture);
  expect(await new Claimer(parts.ledger, ['probe@1'], ['default']).suspect(worker)).toBeUndefined();
});

it('a suspect that fails in the ordinary way is no suspect any more: it waits in its lane for its next attempt', async () => {
  const [id] = await suspects(1);
  await start(handle(probe, () => Promise.reject(new Error('no'))));
  await until('it has failed', async () => (await taskRow(fixture, id!)).error !== null);
  const [row] = await fixture.rows(
    `select state, crashes, attempts, resume_at, run_at > now() + interval '30 minutes' and run_at < 'infinity' as later
     from holdfast.task where id = $1`,
    [id],
  );
  expect(row).toEqual({ state: 'queued', crashes: 0, attempts: 1, resume_at: null, later: true });
});

it('a suspect that a drain gives back stays one, uncounted', async () => {
  const [id] = await suspects(1);
  const { handler, begun } = held();
  const worker = await start(handler);
  await until('it has begun', () => begun.length === 1);
  await worker.stop({ deadlineSeconds: 0 });
  const [row] = await fixture.rows(
    `select state, crashes, attempts, fence, run_at = 'infinity' as out, resume_at <= now() as due
     from holdfast.task where id = $1`,
    [id],
  );
  expect(row).toEqual({ state: 'queued', crashes: 2, attempts: 0, fence: 1, out: true, due: true });
});

it('a worker that stops waits for the suspect as for every task in hand', async () => {
  const [id] = await suspects(1);
  const { handler, begun, release } = held();
  const worker = await start(handler);
  await until('it has begun', () => begun.length === 1);
  const stopped = worker.stop({ deadlineSeconds: 20 });
  await until('it drains', () => parts.logger.saying('drains').length > 0);
  expect(worker.running).toBe(1);
  release(begun[0]!);
  await stopped;
  expect(await isDone(id!)).toBe(true);
});

it('a paused worker takes no suspect until it takes tasks again', async () => {
  const { handler, begun, release } = held();
  const worker = await start(handler);
  await worker.pause();
  const asked = parts.ledger.count(CLAIM.suspect);
  const [id] = await suspects(1);
  const [normal] = await queueTasks(fixture, 1, { name: 'other' });
  const second = await start(handle(other, () => Promise.resolve()));
  await until('another worker works', () => isDone(normal!));
  await second.stop();
  const before = parts.ledger.count(CLAIM.suspect) - asked;
  expect(begun).toEqual([]);
  worker.resume();
  await until('it has begun', () => begun.length === 1);
  expect(parts.ledger.count(CLAIM.suspect) - asked).toBeGreaterThan(before);
  release(begun[0]!);
  await until('it is done', () => isDone(id!));
});

it('a task that was dead because its workers were lost runs alone when it is tried again by hand', async () => {
  const [id] = await queueTasks(fixture, 1);
  await fixture.pool.query(
    `update holdfast.task set state = 'dead', dead_reason = 'worker-lost', finished_at = now(), attempts = 3, crashes = 5`,
  );
  const uuid = await uuidOf(id!);
  await parts.acceptor.transaction((tx) => retryTasks(tx, [uuid]));
  const claimer = new Claimer(parts.ledger, ['probe@1'], ['default']);
  const worker = await workerRow(fixture);
  expect(await claimer.oldest(worker, [{ queue: 'default', priority: 1 }], 5)).toEqual([]);
  expect(await claimer.suspect(worker)).toMatchObject({ id, attempt: 4, maxAttempts: 8, budget: 5 });
});
