import type { Transaction } from '../../../src/tasks';
import { LOOK_EVERY_MS } from '../../../src/tasks/dispatching/relay';
import { monotonicMs } from '../../../src/tasks/pause';
import { redisUrl } from '../../servers/databases';
import { dispatchFixture, note } from '../support/dispatch-fixture';
import type { DispatchFixture } from '../support/dispatch-fixture';
import { until } from '../support/until';

describe('accepting in the caller’s transaction', () => {
  let fixture: DispatchFixture;
  const stored = async (id: string): Promise<boolean> => (await fixture.tasks.get(id)) !== undefined;
  const ledgerId = async (id: string): Promise<string> =>
    (await fixture.rows<{ id: string }>('select id from holdfast.task where uuid = $1', [id]))[0]!.id;

  beforeEach(async () => {
    fixture = await dispatchFixture({ redisUrl: redisUrl(20) });
    // From here on acceptors may push: the relay has filled the lists once.
    await fixture.look();
  });
  afterEach(() => fixture.close());

  it('leaves nothing when the transaction is rolled back', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    const one = await fixture.tasks.accept(client, note, { n: 1 });
    const many = await fixture.tasks.acceptMany(client, note, [{ n: 2 }, { n: 3 }]);
    expect(await client.query('select from holdfast.task')).toMatchObject({ rowCount: 3 });
    await client.query('rollback');
    expect(await Promise.all([one, ...many].map(({ id }) => stored(id)))).toEqual([false, false, false]);
  });

  it('shows the task to others from the commit on, not earlier', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await fixture.tasks.accept(client, note, { n: 1 });
    expect(await stored(id)).toBe(false);
    await client.query('commit');
    expect(await stored(id)).toBe(true);
  });

  it('that the engine knows nothing about dispatches nothing before the commit, and the relay does within a second after it', async () => {
    fixture.startRelay();
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await fixture.tasks.accept(client, note, { n: 1 });
    await relayHasLooked();
    expect(await fixture.list()).toHaveLength(1);
    await client.query('commit');
    const wanted = await ledgerId(id);
    await until('the relay has dispatched it', async () => (await fixture.list()).includes(wanted), 2.5);
    expect(fixture.tasks.metrics()).toMatchObject({ dispatched: 0, dispatchSkipped: 0 });
  });

  it('is looked for by the relay at least once a second', async () => {
    expect(LOOK_EVERY_MS).toBeLessThanOrEqual(1_000);
    fixture.startRelay();
    await relayHasLooked();
    // What arrives right after a look waits for the next one. A busy machine makes looks late, so some pair of them counts.
    await until('two looks follow each other in that time', async () => {
      const beganMs = monotonicMs();
      await relayHasLooked();
      return monotonicMs() - beganMs < LOOK_EVERY_MS + 300;
    });
  });

  it('of tasks.transaction that has been rolled back accepts nothing more', async () => {
    const late: Transaction[] = [];
    const rolledBack = fixture.tasks.transaction((tx) => {
      late.push(tx);
      return Promise.reject(new Error('changed my mind'));
    });
    await expect(rolledBack).rejects.toThrow('changed my mind');
    await expect(fixture.tasks.accept(late[0]!, note, { n: 1 })).rejects.toThrow('the transaction has ended');
    expect(await fixture.rows('select from holdfast.task')).toEqual([]);
  });

  it('of tasks.transaction dispatches nothing before the commit, and everything at once after it, without the relay', async () => {
    let commit = (): void => undefined;
    const committing = new Promise<void>((resolve) => (commit = resolve));
    let accepted = (): void => undefined;
    const accepting = new Promise<void>((resolve) => (accepted = resolve));
    const transaction = fixture.tasks.transaction(async (tx) => {
      const tasks = [await fixture.tasks.accept(tx, note, { n: 1 })];
      tasks.push(...(await fixture.tasks.acceptMany(tx, note, [{ n: 2 }, { n: 3 }])));
      accepted();
      await committing;
      return tasks;
    });
    await accepting;
    // What another caller accepts now is dispatched by the same process after anything that it had pushed before.
    const other = await fixture.tasks.accept(note, { n: 4 });
    await until('the other task is dispatched', async () => (await fixture.list()).length > 0);
    expect(await fixture.list()).toEqual([await ledgerId(other.id)]);
    commit();
    const ids = await Promise.all((await transaction).map(({ id }) => ledgerId(id)));
    await until('all are dispatched', async () => (await fixture.list()).length === 4);
    expect(await fixture.list()).toEqual([await ledgerId(other.id), ...ids]);
  });

  it.each([
    [
      'the caller throws',
      'the caller changed its mind',
      () => Promise.reject(new Error('the caller changed its mind')),
    ],
    [
      'PostgreSQL answers COMMIT with ROLLBACK',
      'the transaction was rolled back',
      (tx: Transaction) => tx.query('select 1 / 0').catch(() => undefined),
    ],
  ])('of tasks.transaction leaves and dispatches nothing when %s', async (_what, message, go) => {
    const failing = fixture.tasks.transaction(async (tx) => {
      await fixture.tasks.accept(tx, note, { n: 1 });
      await go(tx);
    });
    await expect(failing).rejects.toThrow(message);
    const { id } = await fixture.tasks.accept(note, { n: 2 });
    await until('the next task is dispatched', async () => (await fixture.list()).length > 0);
    expect(await fixture.list()).toEqual([await ledgerId(id)]);
    expect(await fixture.rows('select from holdfast.task')).toHaveLength(1);
    expect(fixture.tasks.metrics()).toMatchObject({ accepted: 1, dispatched: 1 });
  });

  it('does not dispatch a task before its runAt, but counts it as accepted', async () => {
    const later = { runAt: new Date(Date.now() + 3_600_000) };
    await fixture.tasks.accept(note, { n: 1 }, later);
    await fixture.tasks.transaction((tx) => fixture.tasks.acceptMany(tx, note, [{ n: 1 }, { n: 1 }], later));
    const { id } = await fixture.tasks.accept(note, { n: 2 });
    await until('the next task is dispatched', async () => (await fixture.list()).length > 0);
    await fixture.look();
    expect(await fixture.list()).toEqual([await ledgerId(id)]);
    expect(fixture.tasks.metrics()).toMatchObject({ accepted: 4, dispatched: 1, dispatchSkipped: 0 });
  });

  /** A task that only the relay can know about has arrived: whatever was committed before it has been seen as well. */
  async function relayHasLooked(): Promise<void> {
    const [marker] = await fixture.insert(1);
    await until('the relay has looked', async () => (await fixture.list()).includes(marker!));
  }
});
