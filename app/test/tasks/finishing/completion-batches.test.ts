import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { Finisher } from '../../../src/tasks/finishing/finisher';
import { claimedTasks, failureOf, finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { FINISH } from '../support/statements';
import { taskRow, taskRows } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

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

const ids = (tasks: readonly ClaimedTask[]): string[] => tasks.map((task) => task.id);

const batches: [how: keyof typeof FINISH, more: (count: number) => unknown[]][] = [
  ['done', () => [[]]],
  ['failed', (n) => [Array(n).fill('retry'), Array(n).fill('Error: no'), Array(n).fill(null), Array(n).fill(1)]],
  ['done_with_results', (n) => [[], Array(n).fill('{}')]],
  ['given_back', () => []],
];
it.each(batches)(
  'overlapping batches of "%s" wait neither for each other nor for who holds a row',
  async (how, more) => {
    const tasks = await claimedTasks(fixture, parts, 20);
    const run = (batch: readonly ClaimedTask[]): Promise<unknown> =>
      parts.ledger.query(FINISH[how], [ids(batch), batch.map((task) => task.fence), ...more(batch.length)]);
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query('select from holdfast.task where id = $1 for update', [tasks[0]!.id]);

    await Promise.all([run(tasks), run([...tasks].reverse())]);
    expect((await taskRows(fixture, ids(tasks))).map((row) => row.state).indexOf('running', 1)).toBe(-1);
    expect((await taskRow(fixture, tasks[0]!.id)).state).toBe('running');
    await holder.query('commit');
  },
);

const endings: [what: string, end: (finisher: Finisher, task: ClaimedTask) => Promise<string>, state: string][] = [
  ['done', (finisher, task) => finisher.done(task), 'done'],
  ['done with a result', (finisher, task) => finisher.done(task, '{"n":1}'), 'done'],
  ['done with effects', (finisher, task) => finisher.doneWithEffects(task, () => Promise.resolve()), 'done'],
  ['failed', (finisher, task) => finisher.failed(failureOf(task)), 'queued'],
];
describe.each(endings)('a task whose row somebody holds, being %s,', (_, end, state) => {
  it('keeps no other waiting, and is written when its row comes free', async () => {
    const finisher = finisherOf(parts);
    const [held, ...others] = await claimedTasks(fixture, parts, 8);
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query('select from holdfast.task where id = $1 for update', [held!.id]);

    const ending = end(finisher, held!);
    expect(await Promise.all(others.slice(0, 3).map((task) => end(finisher, task)))).toEqual(Array(3).fill(state));
    expect(await Promise.all(others.slice(3).map((task) => end(finisher, task)))).toEqual(Array(4).fill(state));
    expect((await taskRow(fixture, held!.id)).state).toBe('running');
    await holder.query('commit');
    expect(await ending).toBe(state);
    expect((await taskRow(fixture, held!.id)).state).toBe(state);
  });
});

it('a batch that is cancelled is written again', async () => {
  await fixture.pool.query(`
    create table slow ();
    insert into slow default values;
    create function wait() returns trigger language plpgsql as $$
    begin if exists (select from slow) then perform pg_sleep(60); end if; return new; end $$;
    create trigger waits before update on holdfast.task for each row when (new.state = 'done') execute function wait()`);
  const finisher = finisherOf(parts);
  const tasks = await claimedTasks(fixture, parts, 3);
  const done = Promise.all(tasks.map((task) => finisher.done(task)));
  const [sleeper] = await until('the batch is under way', async () => {
    const rows = await fixture.rows<{ pid: number }>(
      `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`,
    );
    return rows.length === 1 && rows;
  });
  await fixture.pool.query('delete from slow');
  await fixture.pool.query('select pg_cancel_backend($1)', [sleeper!.pid]);
  expect(await done).toEqual(['done', 'done', 'done']);
});

it.each(endings)(
  'a server that has become read-only is left: what is %s is written on another connection',
  async (_, end, state) => {
    const finisher = finisherOf(parts);
    const [task] = await claimedTasks(fixture, parts, 1);
    const name = new URL(fixture.url).pathname.slice(1);
    await fixture.pool.query(`alter database ${name} set default_transaction_read_only = on`);
    const writer = await fixture.connect();
    await writer.query('set default_transaction_read_only = off');
    // As after a failover: the connections that are made now lead to a server that takes no writes.
    await writer.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name <> 'test'`,
    );
    const ending = end(finisher, task!);
    await until('it was refused', () => parts.logger.saying('trying again').length >= 2);
    await writer.query(`alter database ${name} set default_transaction_read_only = off`);
    expect(await ending).toBe(state);
  },
);

describe('a batch in which one task cannot be written is divided until only that one fails', () => {
  const ends: [what: string, end: (task: ClaimedTask) => Promise<string>, state: string][] = [
    ['done', (task) => finisher.done(task), 'done'],
    ['failed', (task) => finisher.failed(failureOf(task)), 'queued'],
  ];
  let finisher: ReturnType<typeof finisherOf>;

  it.each(ends)('%s', async (_, end, state) => {
    finisher = finisherOf(parts);
    const tasks = await claimedTasks(fixture, parts, 7);
    const bad = tasks[2]!;
    await fixture.pool.query(`alter table holdfast.task add check (id <> ${bad.id} or state <> '${state}') not valid`);

    const endings = await Promise.allSettled(tasks.map(end));
    for (const [i, task] of tasks.entries()) {
      if (task === bad) expect(endings[i]).toMatchObject({ status: 'rejected', reason: { code: '23514' } });
      else expect(endings[i]).toEqual({ status: 'fulfilled', value: state });
      expect((await taskRow(fixture, task.id)).state).toBe(task === bad ? 'running' : state);
    }
  });
});

it('tasks that end at the same time are completed together, in few statements', async () => {
  const finisher = finisherOf(parts);
  const tasks = await claimedTasks(fixture, parts, 50);
  await Promise.all(tasks.map((task) => finisher.done(task)));
  expect(parts.ledger.count(FINISH.done)).toBe(1);
  expect((await taskRows(fixture, ids(tasks))).every((row) => row.state === 'done')).toBe(true);
});
