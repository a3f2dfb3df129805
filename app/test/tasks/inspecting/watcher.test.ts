import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';
import type { TaskRecordWithAttempts, Tasks } from '../../../src/tasks';
import { Inspector } from '../../../src/tasks/inspecting/inspector';
import { Watcher } from '../../../src/tasks/inspecting/watcher';
import { connectionRefused, DisturbedLedger } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { INSPECT } from '../support/statements';
import { queueTasks, taskRow } from '../support/task-rows';
import { until } from '../support/until';

const probe = defineTask({ name: 'probe', payload: z.object({}), backoff: { firstSeconds: 0 } });

let fixture: LedgerFixture;
let tasks: Tasks;
let leave: AbortController;

beforeEach(async () => {
  fixture = await ledgerFixture();
  tasks = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
  leave = new AbortController();
});
afterEach(async () => {
  leave.abort();
  await tasks.close();
  await fixture.drop();
});

interface Watch {
  readonly seen: TaskRecordWithAttempts[];
  /** Resolves when the watch is over. */
  readonly over: Promise<void>;
}

function follow(records: AsyncIterable<TaskRecordWithAttempts>): Watch {
  const seen: TaskRecordWithAttempts[] = [];
  const read = async (): Promise<void> => {
    for await (const record of records) seen.push(record);
  };
  return { seen, over: read() };
}

it('a watch yields the task now, after each change, and at its end for the last time', async () => {
  const { id } = await tasks.accept(probe, {});
  const watch = follow(tasks.watch(id, { signal: leave.signal }));
  await until('it is seen queued', () => watch.seen.length === 1);

  const steps = [gate(), gate()];
  const works = handle(probe, async (context) => {
    await steps[0]!.opened;
    context.progress('half');
    await steps[1]!.opened;
  });
  await tasks.startWorker({ handlers: [works], queues: [{ name: 'default' }] });
  await until('it is seen running', () => watch.seen.at(-1)?.state === 'running');
  steps[0]!.open();
  await until('its progress is seen', () => watch.seen.at(-1)?.progress === 'half');
  steps[1]!.open();
  await watch.over;
  expect(watch.seen.map(({ state, progress }) => [state, progress])).toEqual([
    ['queued', null],
    ['running', null],
    ['running', 'half'],
    ['done', 'half'],
  ]);
  expect(watch.seen.at(-1)!.attempts).toHaveLength(1);
});

it('a watch of a finished task yields it once; of one that does not exist, nothing', async () => {
  const { id } = await tasks.accept(probe, {});
  await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now()`);
  const finished = follow(tasks.watch(id, { signal: leave.signal }));
  const missing = follow(tasks.watch(randomUUID(), { signal: leave.signal }));
  await Promise.all([finished.over, missing.over]);
  expect(finished.seen.map((task) => task.state)).toEqual(['done']);
  expect(missing.seen).toEqual([]);
});

it.each(['its signal aborts', 'the engine closes'])('a watch ends when %s', async (why) => {
  const { id } = await tasks.accept(probe, {});
  const engine = createTasks({ postgres: { connectionString: fixture.url }, logger: recordingLogger() });
  const watch = follow(engine.watch(id, { signal: leave.signal }));
  await until('it is watched', () => watch.seen.length === 1);
  if (why === 'its signal aborts') leave.abort();
  else await engine.close();
  await watch.over;
  expect(watch.seen).toHaveLength(1);
  if (why === 'its signal aborts') await engine.close();
});

it('many watches together cost one statement each half second', async () => {
  const ledger = new DisturbedLedger({ connectionString: fixture.url }, 15, recordingLogger());
  const watcher = new Watcher(new Inspector(ledger));
  const ids = await queueTasks(fixture, 20);
  const uuids = await Promise.all(ids.map(async (id) => (await taskRow(fixture, id)).uuid));
  const watches = uuids.map((id) => follow(watcher.watch(id, new AbortController().signal)));
  await until('all are watched', () => watches.every((watch) => watch.seen.length === 1));
  const before = ledger.count(INSPECT.get_many);
  await fixture.pool.query(`update holdfast.task set progress = '1'`);
  await until('all have seen it', () => watches.every((watch) => watch.seen.length === 2));
  expect(ledger.count(INSPECT.get_many) - before).toBeLessThanOrEqual(2);

  await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now()`);
  await Promise.all(watches.map((watch) => watch.over));
  await watcher.close();
  await ledger.close();
});

it('a watch outlives PostgreSQL being away for a while', async () => {
  const ledger = new DisturbedLedger({ connectionString: fixture.url }, 15, recordingLogger());
  const watcher = new Watcher(new Inspector(ledger));
  const [id] = await queueTasks(fixture, 1);
  await fixture.pool.query('update holdfast.task set fence = 1, attempts = 1');
  const watch = follow(watcher.watch((await taskRow(fixture, id!)).uuid, leave.signal));
  await until('it is watched', () => watch.seen.length === 1);
  // Away between the two statements of a look, then altogether, then back.
  ledger.before(INSPECT.attempts, connectionRefused);
  await fixture.pool.query(`update holdfast.task set progress = '1'`);
  await until('the attempts could not be read', () => ledger.count(INSPECT.attempts) >= 2);
  ledger.before(INSPECT.get_many, connectionRefused);
  const looks = ledger.count(INSPECT.get_many);
  await until('nor the task', () => ledger.count(INSPECT.get_many) > looks);
  ledger.heal();
  await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now(), started_at = now()`);
  await watch.over;
  expect(watch.seen.at(-1)).toMatchObject({ state: 'done', progress: 1 });
  await watcher.close();
  await ledger.close();
});

it('who reads slowly sees the newest state next, and nothing piles up meanwhile', async () => {
  const { id } = await tasks.accept(probe, {});
  const records = tasks.watch(id, { signal: leave.signal })[Symbol.asyncIterator]();
  await records.next();
  const others = follow(tasks.watch(id, { signal: leave.signal }));
  await fixture.pool.query(`update holdfast.task set progress = '1'`);
  expect((await records.next()).value).toMatchObject({ progress: 1 });
  for (let n = 2; n <= 3; n += 1) {
    await fixture.pool.query('update holdfast.task set progress = $1', [n]);
    await until('others have seen it', () => others.seen.at(-1)?.progress === n);
  }
  expect((await records.next()).value).toMatchObject({ progress: 3 });
});
