import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
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
  ['failed', (n) => [Array(n).fill('Error: no'), Array(n).fill(null), Array(n).fill(1)]],
  ['given_back', () => []],
];
it.each(batches)(
  'overlapping batches of "%s" in opposite order wait for each other and do not deadlock',
  async (how, more) => {
    const tasks = await claimedTasks(fixture, parts, 20);
    const run = (batch: readonly ClaimedTask[]): Promise<unknown> =>
      parts.ledger.query(FINISH[how], [ids(batch), batch.map((task) => task.fence), ...more(batch.length)]);
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query('select from holdfast.task where id = $1 for update', [tasks[0]!.id]);

    const both = Promise.all([run(tasks), run([...tasks].reverse())]);
    await until('both batches wait', async () => {
      const waiting = await fixture.rows(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.length === 2;
    });
    await holder.query('commit');
    await both;
    expect((await taskRows(fixture, ids(tasks))).map((row) => row.state)).not.toContain('running');
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
