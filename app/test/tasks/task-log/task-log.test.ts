import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { defineTask, handle, InvalidTaskError } from '../../../src/tasks';
import type { LogLine, TaskContext } from '../../../src/tasks';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { lineOf } from '../../../src/tasks/task-log/line';
import { LogReader } from '../../../src/tasks/task-log/log-reader';
import { LOG_STATEMENTS, LogWriter } from '../../../src/tasks/task-log/log-writer';
import { connectionRefused } from '../support/disturbed-ledger';
import { claimedTasks } from '../support/finishing-fixture';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { taskRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const LOG = loadStatements(`${__dirname}/../../../src/tasks/task-log`, 'log.sql', LOG_STATEMENTS);
const definition = { payload: z.object({}), backoff: { firstSeconds: 0 } };
const quiet = defineTask({ ...definition, name: 'quiet' });
const chatty = defineTask({ ...definition, name: 'chatty', keepLog: { lines: 5 } });

let fixture: LedgerFixture;
let parts: TestParts;
let reader: LogReader;

beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
  reader = new LogReader(parts.ledger);
});
afterEach(async () => {
  await parts.close();
  await fixture.drop();
});

/** Runs one task by `run`, until it is done, and returns its uuid. */
async function runTask(
  kind: typeof chatty | typeof quiet,
  run: (context: TaskContext) => Promise<void>,
): Promise<string> {
  await parts.startWorker({ handlers: [handle(kind, (context) => run(context))], queues: [{ name: 'default' }] });
  const id = randomUUID();
  await fixture.pool.query(
    `insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                                time_limit_seconds) values ($1, $2, 1, 'default', 1, '{}', now(), 5, 5, 60)`,
    [id, kind.name],
  );
  await until('it is done', async () => (await taskRow(fixture, id)).state === 'done');
  return id;
}

async function linesOf(id: string): Promise<readonly LogLine[]> {
  return (await reader.read(id, {}))!.lines;
}

describe('log lines of a task', () => {
  it('are kept for each attempt in their order, with level, fields and time, and are there when it is done', async () => {
    const id = await runTask(chatty, async ({ log, attempt }) => {
      log.info({ row: 1 }, 'first');
      log.debug({}, 'second');
      await Promise.resolve();
      if (attempt === 1) throw new Error('again');
      log.error({ err: new Error('odd') }, 'third');
    });
    const lines = await linesOf(id);
    expect(lines.map(({ attempt, level, message }) => [attempt, level, message])).toEqual([
      [1, 'info', 'first'],
      [1, 'debug', 'second'],
      [2, 'info', 'first'],
      [2, 'debug', 'second'],
      [2, 'error', 'third'],
    ]);
    expect(lines[0]!.fields).toEqual({ row: 1 });
    expect(lines[1]!.fields).toBeNull();
    expect(lines[4]!.fields).toMatchObject({ err: { type: 'Error', message: 'odd' } });
    const { started_at, finished_at } = await taskRow(fixture, id);
    expect(lines[4]!.at.getTime()).toBeGreaterThanOrEqual(started_at!.getTime());
    expect(lines[4]!.at.getTime()).toBeLessThanOrEqual(finished_at!.getTime());
    expect(parts.logger.saying('third')).toMatchObject([{ fields: { task: id, attempt: 2 } }]);
  });

  it('are not kept where the definition does not say so', async () => {
    const id = await runTask(quiet, async ({ log }) => {
      log.info({}, 'only in the process’s log');
      await Promise.resolve();
    });
    expect(await reader.read(id, {})).toEqual({ lines: [], next: null });
    expect(parts.logger.saying('only in the process’s log')).toHaveLength(1);
  });

  it('are at most as many an attempt as the definition allows; one more says that there were more', async () => {
    const id = await runTask(chatty, async ({ log }) => {
      for (let n = 1; n <= 20; n += 1) log.info({}, `line ${n}`);
      await Promise.resolve();
    });
    const messages = (await linesOf(id)).map(({ message }) => message);
    expect(messages).toEqual(
      [1, 2, 3, 4, 5].map((n) => `line ${n}`).concat('the attempt logged more than 5 lines; no more are kept'),
    );
    expect(parts.logger.saying('line ')).toHaveLength(20);
  });

  it('are read by pages, and followed from the last line', async () => {
    const id = await runTask(chatty, async ({ log }) => {
      for (let n = 1; n <= 5; n += 1) log.info({}, `${n}`);
      await Promise.resolve();
    });
    const first = (await reader.read(id, { limit: 3 }))!;
    expect(first.lines.map(({ message }) => message)).toEqual(['1', '2', '3']);
    const second = (await reader.read(id, { limit: 3, after: first.next! }))!;
    expect(second).toMatchObject({ lines: [{ message: '4' }, { message: '5' }], next: null });
    expect(await reader.read(id, { after: second.lines[1]!.id })).toEqual({ lines: [], next: null });
    expect(await reader.read(randomUUID(), {})).toBeUndefined();
    for (const wrong of [{ limit: 0 }, { limit: 1_001 }, { limit: 1.5 }, { after: 'x' }]) {
      await expect(reader.read(id, wrong)).rejects.toThrow(InvalidTaskError);
    }
  });

  it('that cannot be written hold up neither the handler nor the task’s end', async () => {
    const stuck = gate();
    parts.ledger.before(LOG.insert, () => stuck.opened);
    const id = await runTask(chatty, async ({ log }) => {
      log.info({}, 'late');
      await Promise.resolve();
    });
    expect(await linesOf(id)).toEqual([]);
    stuck.open();
    await until('the line is written', async () => (await linesOf(id)).length === 1);
  });
});

describe('what writes log lines', () => {
  let writer: LogWriter;
  let task: ClaimedTask;
  beforeEach(async () => {
    writer = new LogWriter(parts.ledger, parts.logger);
    [task] = (await claimedTasks(fixture, parts, 1)) as [ClaimedTask];
  });
  afterEach(() => writer.stop());

  it('sends many lines in one statement', async () => {
    for (let n = 0; n < 500; n += 1) writer.keep(task, lineOf('info', { n }, 'line'));
    await writer.flush();
    expect(parts.ledger.count(LOG.insert)).toBe(1);
    expect(
      (await reader.read(task.uuid, { limit: 1_000 }))!.lines.map(({ fields }) => (fields as { n: number }).n),
    ).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(writer.has(task)).toBe(false);
  });

  it('keeps lines while PostgreSQL is away, in their order, and says how many were too many', async () => {
    parts.ledger.before(LOG.insert, connectionRefused);
    for (let n = 1; n <= 3; n += 1) writer.keep(task, lineOf('info', {}, `${n}`));
    await writer.flush();
    expect(writer.has(task)).toBe(true);
    for (let n = 4; n <= 10_007; n += 1) writer.keep(task, lineOf('info', {}, `${n}`));
    parts.ledger.heal();
    await writer.flush();
    const rows = await fixture.rows<{ message: string; fields: unknown }>(
      'select message, fields from holdfast.log_line order by id',
    );
    expect(rows).toHaveLength(10_001);
    expect(rows.slice(0, 10_000).map(({ message }) => Number(message))).toEqual(
      Array.from({ length: 10_000 }, (_, n) => n + 1),
    );
    expect(rows.at(-1)).toEqual({ message: 'lines were lost while the database was away', fields: { lost: 7 } });
  });

  it('never waits for more than 10,000 lines, however often it tries and whoever goes on logging', async () => {
    const tasks = [task, ...(await claimedTasks(fixture, parts, 20))];
    const keepEach = (): void => tasks.forEach((one) => writer.keep(one, lineOf('info', {}, 'x')));
    parts.ledger.before(LOG.insert, () => {
      // While a try is under way, too.
      keepEach();
      connectionRefused();
    });
    for (let n = 0; n < 10_000; n += 1) writer.keep(task, lineOf('info', {}, 'x'));
    for (let tries = 0; tries < 5; tries += 1) {
      keepEach();
      await writer.flush();
      expect(writer.size).toBe(10_000);
    }
    parts.ledger.heal();
    await writer.flush();
    expect(writer.size).toBe(0);
    const lost = await fixture.rows(`select from holdfast.log_line where message = $1 and fields ->> 'lost' = '10'`, [
      'lines were lost while the database was away',
    ]);
    expect(lost).toHaveLength(tasks.length);
  });

  it('leaves out the line that PostgreSQL refuses, and no other', async () => {
    const line = lineOf('info', {}, 'good');
    writer.keep(task, line);
    writer.keep(task, { ...line, message: 'bad', fields: '{"a":"\\u0000"}' });
    writer.keep(task, line);
    await writer.flush();
    expect((await linesOf(task.uuid)).map(({ message }) => message)).toEqual(['good', 'good']);
    expect(writer.has(task)).toBe(false);
  });
});
