import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import type { Finisher } from '../../../src/tasks/finishing/finisher';
import { retryTasks } from '../../../src/tasks/flows/reviving';
import { claimedTasks, failureOf, finisherOf } from '../support/finishing-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { takeAway, taskRow, workerRow } from '../support/task-rows';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

let fixture: LedgerFixture;
let parts: TestParts;
let finisher: Finisher;

beforeAll(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url);
  finisher = finisherOf(parts);
  await fixture.pool.query('create table effect (task_id bigint)');
});
afterAll(async () => {
  await parts.close();
  await fixture.drop();
});

const taken: [how: string, take: (task: ClaimedTask) => Promise<unknown>][] = [
  ['was claimed by another worker', (task) => takeAway(fixture, task.id)],
  [
    'was given back',
    (task) =>
      fixture.pool.query(`update holdfast.task set state = 'queued', worker_id = null where id = $1`, [task.id]),
  ],
  ['is dead', die],
  [
    'was dead, was retried by hand and runs again',
    async (task) => {
      await die(task);
      await parts.acceptor.transaction((tx) => retryTasks(tx, [task.uuid]));
      const claimer = new Claimer(parts.ledger, ['probe@1'], ['default']);
      expect(await claimer.byId(await workerRow(fixture), [task.id])).toHaveLength(1);
    },
  ],
  [
    'was done by another worker',
    (task) =>
      fixture.pool.query(
        `update holdfast.task set state = 'done', fence = fence + 1, finished_at = now() where id = $1`,
        [task.id],
      ),
  ],
];

function die(task: ClaimedTask): Promise<unknown> {
  return fixture.pool.query(
    `update holdfast.task set state = 'dead', dead_reason = 'worker-lost', finished_at = now() where id = $1`,
    [task.id],
  );
}

describe.each(taken)('when the task %s, its earlier attempt', (_, take) => {
  const writes: [what: string, write: (task: ClaimedTask) => Promise<unknown>, answer: unknown][] = [
    ['done', (task) => finisher.done(task), 'fenced-off'],
    ['failed', (task) => finisher.failed(failureOf(task)), 'fenced-off'],
    ['dead', (task) => finisher.failed({ ...failureOf(task), deadReason: 'non-retryable' }), 'fenced-off'],
    ['given back', (task) => finisher.giveBack([task]), []],
    ['making progress', (task) => finisher.progress([{ task, json: '1' }]), undefined],
    [
      'done with effects',
      (task) =>
        finisher.doneWithEffects(task, async (tx) => {
          await tx.query('insert into effect values ($1)', [task.id]);
        }),
      'fenced-off',
    ],
    [
      'in a transaction of its own',
      (task) =>
        parts.acceptor
          .transaction(async (tx) => {
            await finisher.holdFence(tx, task);
            await tx.query('insert into effect values ($1)', [task.id]);
          })
          .catch((error: unknown) => (error as Error).name),
      'FencedOff',
    ],
  ];
  it.each(writes)('changes nothing by being %s', async (__, write, answer) => {
    const [task] = await claimedTasks(fixture, parts, 1);
    await take(task!);
    const before = await taskRow(fixture, task!.id);

    expect(await write(task!)).toEqual(answer);
    expect(await taskRow(fixture, task!.id)).toEqual(before);
    expect(await fixture.rows('select from effect')).toEqual([]);
    expect(await fixture.rows('select from holdfast.attempt where task_id = $1', [task!.id])).toEqual([]);
  });
});

it('one task that was taken away does not keep the others of its batch from ending', async () => {
  const tasks = await claimedTasks(fixture, parts, 3);
  await takeAway(fixture, tasks[1]!.id);
  expect(await Promise.all(tasks.map((task) => finisher.done(task)))).toEqual(['done', 'fenced-off', 'done']);
});
