import { createTasks, DefinitionError, handle } from '../../../src/tasks';
import { pruneChore, PRUNE, PRUNE_STATEMENTS } from '../../../src/tasks/maintaining/prune-chore';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { orphanLinesChore } from '../../../src/tasks/task-log/orphans.chore';
import { note } from '../support/dispatch-fixture';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const RETENTION = { doneSeconds: 3_600, cancelledSeconds: 2 * 3_600, deadSeconds: 3 * 3_600 };

describe('finished tasks leave the ledger', () => {
  let fixture: LedgerFixture;
  let parts: TestParts;
  const chore = pruneChore(RETENTION);
  const step = () => parts.acceptor.transaction((tx) => chore.step(tx));
  beforeEach(async () => {
    fixture = await ledgerFixture();
    parts = workerParts(fixture.url);
  });
  afterEach(async () => {
    await parts.close();
    await fixture.drop();
  });

  /** Tasks in that state, accepted and, where that is an end, ended so long ago; answers with their ids. */
  async function insert(state: string, minutesAgo: number, count = 1): Promise<string[]> {
    const rows = await fixture.rows<{ id: string }>(
      `insert into holdfast.task (uuid, name, version, queue, priority, payload, run_at, max_attempts, budget,
                                  time_limit_seconds, state, accepted_at, finished_at, dead_reason)
       select gen_random_uuid(), $3, 1, 'default', 1, '{}', now(), 5, 5, 60, $1,
              at, case when $1 in ('done', 'dead', 'cancelled') then at end, case when $1 = 'dead' then 'x' end
       from (select now() - make_interval(mins => $2) as at from generate_series(1, $4::int)) x returning id`,
      [state, minutesAgo, note.name, count],
    );
    return rows.map(({ id }) => id);
  }
  const left = async (): Promise<string[]> =>
    (await fixture.rows<{ id: string }>('select id from holdfast.task order by id')).map(({ id }) => id);
  const dependency = `insert into holdfast.dependency (child_id, parent_id) values ($1, $2)`;

  it('when the retention of their state is over, and those that are not finished never', async () => {
    const kept: string[] = [];
    for (const [state, hours] of [
      ['done', 1],
      ['cancelled', 2],
      ['dead', 3],
    ] as const) {
      await insert(state, hours * 60 + 1);
      kept.push(...(await insert(state, hours * 60 - 1)));
    }
    for (const state of ['parked', 'waiting', 'queued', 'running']) kept.push(...(await insert(state, 100_000)));
    await step();
    expect((await left()).sort()).toEqual(kept.sort());
  });

  it('with their attempts, dependencies, external effects and log lines', async () => {
    const [parent, child] = await insert('done', 61, 2);
    const [other] = await insert('done', 1);
    await fixture.rows(dependency, [child, parent]);
    await fixture.rows('update holdfast.dependency set open = false');
    for (const id of [parent, child, other]) {
      await fixture.rows(
        `insert into holdfast.attempt (task_id, fence, attempt, started_at, error) values ($1, 1, 1, now(), 'x')`,
        [id],
      );
      await fixture.rows(
        `insert into holdfast.external_effect (task_id, key, on_unknown, fence) values ($1, 'a', 'park', 1)`,
        [id],
      );
      await fixture.rows(
        `insert into holdfast.log_line (task_id, fence, attempt, at, level, message) values ($1, 1, 1, now(), 'info', 'x')`,
        [id],
      );
    }
    await step();
    expect(await left()).toEqual([other]);
    for (const table of ['attempt', 'external_effect', 'log_line']) {
      expect(await fixture.rows(`select task_id from holdfast.${table}`)).toEqual([{ task_id: other }]);
    }
    expect(await fixture.rows('select from holdfast.dependency')).toEqual([]);
  });

  /** Log lines of a task, all of one attempt. */
  const logged = async (id: string | undefined, count: number): Promise<unknown> =>
    fixture.rows(
      `insert into holdfast.log_line (task_id, fence, attempt, at, level, message)
       select $1, 1, 1, now(), 'info', 'x' from generate_series(1, $2::int)`,
      [id, count],
    );
  const linesOf = async (id: string | undefined): Promise<number> =>
    (await fixture.rows('select from holdfast.log_line where task_id = $1', [id])).length;

  it('with more log lines than a step can delete: piece by piece, the task after the last of them', async () => {
    const [first, second, third] = await insert('done', 61, 3);
    const [young] = await insert('done', 1);
    for (const id of [first, second, third, young]) await logged(id, 100);
    const inPieces = pruneChore(RETENTION, 80);
    const piece = () => parts.acceptor.transaction((tx) => inPieces.step(tx));
    expect(await piece()).toEqual({ more: true });
    expect(await left()).toEqual([first, second, third, young]);
    expect(await linesOf(first)).toBe(20);
    // A process that dies here leaves nothing that the next step does not find.
    expect(await piece()).toEqual({ more: true });
    expect(await left()).toEqual([second, third, young]);
    expect(await linesOf(second)).toBe(40);
    expect(await piece()).toEqual({ more: true });
    expect(await piece()).toEqual({ more: false });
    expect(await left()).toEqual([young]);
    expect(await fixture.rows('select distinct task_id from holdfast.log_line')).toEqual([{ task_id: young }]);
    expect(await linesOf(young)).toBe(100);
  });

  it('with more children than a step can let go of', async () => {
    const [parent] = await insert('done', 61);
    const children = await insert('done', 1, 50);
    for (const child of children) await fixture.rows(dependency, [child, parent]);
    await fixture.rows('update holdfast.dependency set open = false');
    const inPieces = pruneChore(RETENTION, 40);
    const piece = () => parts.acceptor.transaction((tx) => inPieces.step(tx));
    expect(await piece()).toEqual({ more: true });
    expect((await left()).length).toBe(51);
    expect(await fixture.rows('select from holdfast.dependency')).toHaveLength(10);
    expect(await piece()).toEqual({ more: false });
    expect(await left()).toEqual(children);
  });

  it('a line written after its task had left goes, too, and those of tasks that are there stay', async () => {
    const [task] = await insert('done', 1);
    await logged(task, 3);
    await logged('1000', 25);
    await logged('2000', 1);
    const orphans = orphanLinesChore({ tasks: 2, lines: 20 });
    const sweep = () => parts.acceptor.transaction((tx) => orphans.step(tx));
    expect(await sweep()).toEqual({ more: true });
    expect([await linesOf(task), await linesOf('1000'), await linesOf('2000')]).toEqual([3, 5, 1]);
    expect(await sweep()).toEqual({ more: true });
    expect(await sweep()).toEqual({ more: false });
    expect([await linesOf(task), await linesOf('1000'), await linesOf('2000')]).toEqual([3, 0, 0]);
    // The round is over, for all processes.
    expect(await sweep()).toEqual({});
  });

  it('but not while an unfinished task waits for them, or has waited and may ask what they came to', async () => {
    const [parent] = await insert('done', 10_000);
    const [child] = await insert('waiting', 10_000);
    await fixture.rows(dependency, [child, parent]);
    await step();
    expect(await left()).toEqual([parent, child]);
    await fixture.rows('update holdfast.dependency set open = false');
    await fixture.rows(`update holdfast.chore set resume_at = now()`);
    await step();
    expect(await left()).toEqual([parent, child]);
    await fixture.rows(`update holdfast.task set state = 'done', finished_at = now() where id = $1`, [child]);
    await fixture.rows(`update holdfast.chore set resume_at = now()`);
    await step();
    expect(await left()).toEqual([child]);
  });

  it('nor while somebody is about to begin to wait for them', async () => {
    const [parent] = await insert('done', 10_000);
    const [child] = await insert('waiting', 10_000);
    const acceptor = await fixture.connect();
    await acceptor.query('begin');
    await acceptor.query(dependency, [child, parent]);
    await step();
    await acceptor.query('commit');
    expect(await left()).toEqual([parent, child]);
  });

  it('and whoever begins to wait for one that is being deleted is refused', async () => {
    const [parent] = await insert('done', 10_000);
    const [child] = await insert('waiting', 10_000);
    const sql = loadStatements(`${__dirname}/../../../src/tasks/maintaining`, 'prune.sql', PRUNE_STATEMENTS);
    const [pruner, acceptor] = [await fixture.connect(), await fixture.connect()];
    await pruner.query('begin');
    const { rows } = await pruner.query<{ ids: string }>(sql.expired, [0, 10, 1, 1, 1]);
    const refused = expect(acceptor.query(dependency, [child, parent])).rejects.toMatchObject({ code: '23503' });
    await until('it waits', async () => (await fixture.rows('select from pg_locks where not granted')).length > 0);
    await pruner.query(sql.delete, [rows[0]!.ids]);
    await pruner.query('commit');
    await refused;
    expect(await left()).toEqual([child]);
  });

  it('at most 2,000 a step, going on where the last step of any process ended, up to tasks too young to have expired', async () => {
    const [parked] = await insert('parked', 100_000);
    await insert('done', 61, 4_500);
    const young = await insert('done', 59, 10);
    const another = workerParts(fixture.url);
    expect(await step()).toEqual({ more: true });
    expect(await left()).toHaveLength(4_500 + 11 - 1_999);
    expect(await another.acceptor.transaction((tx) => pruneChore(RETENTION).step(tx))).toEqual({ more: true });
    expect(await left()).toHaveLength(4_500 + 11 - 3_999);
    expect(await step()).toEqual({ more: false });
    expect(await left()).toEqual([parked, ...young]);
    // The round is over; the next one begins in a minute, for whoever comes first.
    expect(await step()).toEqual({});
    const [place] = await fixture.rows(
      'select position, completed_at > now() - interval $$1 minute$$ as now from holdfast.chore where name = $1',
      [PRUNE],
    );
    expect(place).toEqual({ position: '0', now: true });
    await another.close();
  });

  it('while a worker runs', async () => {
    await insert('done', 61, 3_000);
    const postgres = { connectionString: fixture.url };
    const tasks = createTasks({ postgres, logger: recordingLogger(), retention: { doneSeconds: 3_600 } });
    await tasks.startWorker({ handlers: [handle(note, () => Promise.resolve())], queues: [{ name: 'default' }] });
    await until('they are gone', async () => (await left()).length === 0);
    await tasks.close();
  });

  it('after times that are options', () => {
    const postgres = { connectionString: fixture.url };
    for (const [name, value] of [
      ['doneSeconds', -1],
      ['deadSeconds', NaN],
      ['cancelledSeconds', 1e9],
    ] as const) {
      expect(() => createTasks({ postgres, logger: recordingLogger(), retention: { [name]: value } })).toThrow(
        new DefinitionError('createTasks', `retention.${name}`, value, 'a number of seconds from 0 to 315360000'),
      );
    }
  });
});
