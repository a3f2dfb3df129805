import { randomUUID } from 'node:crypto';
import { InvalidTaskError } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { finisherOf } from '../support/finishing-fixture';
import { taskRow, workerRow } from '../support/task-rows';
import { workerParts } from '../support/worker-parts';
import { flowFixture, step } from './flow-fixture';
import type { FlowFixture } from './flow-fixture';

describe('accepting tasks after others', () => {
  let fixture: FlowFixture;
  beforeAll(async () => {
    fixture = await flowFixture();
  });
  afterAll(() => fixture.close());

  const parent = async (): Promise<string> => (await fixture.tasks.accept(step, {})).id;
  const ended = async (state: 'done' | 'dead' | 'cancelled'): Promise<string> => {
    const id = await parent();
    await fixture.end(id, state);
    return id;
  };

  it('they wait, out of their lane, and keep the time at which they wanted to run', async () => {
    const { tasks } = fixture;
    const runAt = new Date(Date.now() + 3_600_000);
    const after = [await parent()];
    const own = await tasks.accept(step, {}, { after, runAt });
    const many = await tasks.acceptMany(step, [{}, {}], { after, runAt });
    const within = await tasks.transaction((tx) => tasks.accept(tx, step, {}, { after, runAt }));
    for (const { id } of [own, ...many, within]) {
      expect(await tasks.get(id)).toMatchObject({ state: 'waiting', runAt });
      expect(await taskRow(fixture, id)).toMatchObject({ state: 'waiting', run_at: Infinity });
    }
  });

  it('in the caller’s transaction they are gone with it when it is rolled back, and their dependencies too', async () => {
    const after = [await parent()];
    const before = await fixture.rows('select from holdfast.dependency');
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await fixture.tasks.accept(client, step, {}, { after });
    await client.query('rollback');
    expect(await fixture.tasks.get(id)).toBeUndefined();
    expect(await fixture.rows('select from holdfast.dependency')).toHaveLength(before.length);
  });

  it('unknown or pruned parents are refused by name, and nothing is written', async () => {
    const { tasks } = fixture;
    const pruned = await ended('done');
    await fixture.pool.query('delete from holdfast.task where uuid = $1', [pruned]);
    const unknown = randomUUID();
    const known = await parent();
    const client = await fixture.connect();
    await client.query('begin');
    const accepting = tasks.accept(client, step, {}, { after: [known, unknown, pruned] });
    await expect(accepting).rejects.toThrow(
      new InvalidTaskError('after', `names ${unknown}, ${pruned}, not in the ledger: never accepted, or pruned since`),
    );
    // The caller’s transaction is still good.
    const { id } = await tasks.accept(client, step, {}, { after: [known] });
    await client.query('commit');
    expect(await tasks.get(id)).toMatchObject({ state: 'waiting' });
    expect((await tasks.get(known))?.before).toHaveLength(1);
  });

  it.each([
    ['none at all', [], 'after: names 0 tasks; allowed are 1 to 100'],
    ['too many', Array.from({ length: 101 }, () => randomUUID()), 'after: names 101 tasks; allowed are 1 to 100'],
    ['no uuid', ['7'], 'after: "7" is not a uuid'],
    ['an unknown policy', [{ id: randomUUID(), onFailure: 'stop' as 'run' }], 'allowed is cancel, run'],
  ])('a wrong list is refused before anything is asked: %s', async (_, after, message) => {
    await expect(fixture.tasks.accept(step, {}, { after })).rejects.toThrow(message);
  });

  it('one named twice is refused', async () => {
    const id = randomUUID();
    const accepting = fixture.tasks.accept(step, {}, { after: [id, { id: id.toUpperCase(), onFailure: 'run' }] });
    await expect(accepting).rejects.toThrow(`after: names task ${id} twice`);
  });

  it('those whose parents have all ended are queued at once', async () => {
    const after = [await ended('done'), { id: await ended('dead'), onFailure: 'run' as const }];
    const { id } = await fixture.tasks.accept(step, {}, { after });
    expect(await fixture.tasks.get(id)).toMatchObject({
      state: 'queued',
      after: [{ state: 'done' }, { state: 'dead' }],
    });
  });

  it('those with a parent that has failed already are accepted as cancelled, and say why', async () => {
    const failed = await ended('dead');
    const { id } = await fixture.tasks.accept(step, {}, { after: [await parent(), failed] });
    expect(await fixture.tasks.get(id)).toMatchObject({
      state: 'cancelled',
      error: `task ${failed} (step), for which it was to wait, is dead`,
    });
    expect((await fixture.tasks.get(id))?.finishedAt).toBeInstanceOf(Date);
  });

  it('an open transaction that refers to a parent holds up neither its claim nor its end', async () => {
    const parts = workerParts(fixture.url);
    const id = await parent();
    const client = await fixture.connect();
    await client.query('begin');
    const child = await fixture.tasks.accept(client, step, {}, { after: [id] });
    const worker = await workerRow(fixture, ['step@1']);
    const { id: bigint } = await taskRow(fixture, id);
    const [claimed] = await new Claimer(parts.ledger, ['step@1'], ['default']).byId(worker, [bigint]);
    expect(claimed).toMatchObject({ uuid: id, attempt: 1 });
    await expect(finisherOf(parts).done(claimed!)).resolves.toBe('done');
    await client.query('commit');
    expect(await fixture.tasks.get(child.id)).toMatchObject({ state: 'waiting' });
    await fixture.sweep();
    expect(await fixture.tasks.get(child.id)).toMatchObject({ state: 'queued' });
    await parts.close();
  });

  it('a parent that somebody begins to wait for cannot be pruned', async () => {
    const id = await ended('done');
    const client = await fixture.connect();
    await client.query('begin');
    await fixture.tasks.accept(client, step, {}, { after: [id] });
    const pruned = await fixture.rows(
      `with victim as (select id from holdfast.task where uuid = $1 for update skip locked)
       delete from holdfast.task where id in (select id from victim) returning id`,
      [id],
    );
    expect(pruned).toEqual([]);
    await client.query('commit');
    await expect(fixture.pool.query('delete from holdfast.task where uuid = $1', [id])).rejects.toThrow('dependency');
  });

  it('without after nothing of flows is asked', async () => {
    const parts = workerParts(fixture.url);
    const asked: string[] = [];
    const client = await fixture.connect();
    const counting = {
      query: <Row extends object>(text: string, values?: readonly unknown[]) => {
        asked.push(text);
        return client.query<Row & Record<string, unknown>>(text, values as unknown[]);
      },
    };
    await fixture.tasks.accept(counting, step, {});
    expect(asked).toHaveLength(1);
    await parts.close();
  });
});
