import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tasks } from '../../../src/tasks';
import { splitStatements } from '../../../src/tasks/ledger/statements';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { ageClaims, taskRow } from '../support/task-rows';

/** A statement of a worker from before limits, keys, flows and suspects. */
const statements = new Map(
  ['claim', 'finish', 'lease'].flatMap((file) => [
    ...splitStatements(readFileSync(join(__dirname, `../fixtures/before-features/${file}.sql`), 'utf8')),
  ]),
);
const WORKER = '01234567-89ab-4cde-8f01-23456789abcd';
const KINDS = [`${note.name}@1`];

describe('a worker of an earlier build beside the present ledger', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;
  beforeEach(async () => {
    fixture = await ledgerFixture();
    tasks = openEngine(fixture, undefined);
    await ask('register', [WORKER, 'host', 1, ['default'], KINDS, 10, 'default']);
  });
  afterEach(async () => {
    await tasks.close();
    await fixture.drop();
  });

  const ask = (name: string, values: readonly unknown[] = []) =>
    fixture.pool.query<{ id: string; fence: number; claimId: string; what: string; state: string }>(
      statements.get(name)!,
      [...values],
    );
  const oldest = async () => (await ask('oldest', [WORKER, KINDS, ['default'], [1], 10])).rows;
  const secondsAgo = (seconds: number) => Date.now() / 1_000 - seconds;

  it('claims what the present build accepts, by id and the oldest, and completes it', async () => {
    const first = await tasks.accept(note, { n: 1 });
    const second = await tasks.accept(note, { n: 2 });
    const { id } = await taskRow(fixture, first.id);
    const [byId] = (await ask('by_id', [WORKER, KINDS, `{${id}}`, ['default']])).rows;
    expect(byId).toMatchObject({ id, fence: 1 });
    const [other] = await oldest();
    await ask('done', [`{${id}}`, '{1}', `{${byId!.claimId}}`]);
    await ask('done_one', [other!.id, other!.fence]);
    for (const task of [first, second]) expect(await tasks.get(task.id)).toMatchObject({ state: 'done', attempt: 1 });
    expect((await ask('outcome', [`{${id}}`, '{1}'])).rows).toMatchObject([{ state: 'done' }]);
  });

  it('frees the unique key of what it completes or kills', async () => {
    const uniqueKey = { key: 'k', until: 'finish' } as const;
    const first = await tasks.accept(note, { n: 1 }, { uniqueKey });
    const [claimed] = await oldest();
    await ask('done', [`{${claimed!.id}}`, '{1}', '{}']);
    const second = await tasks.accept(note, { n: 2 }, { uniqueKey });
    expect(second).toMatchObject({ duplicate: false });
    const [again] = await oldest();
    await ask('failed', [`{${again!.id}}`, '{1}', ['no'], ['non-retryable'], [0]]);
    expect((await tasks.get(second.id))?.state).toBe('dead');
    expect(await tasks.accept(note, { n: 3 }, { uniqueKey })).toMatchObject({ duplicate: false });
    expect((await tasks.get(first.id))?.state).toBe('done');
  });

  it('ends attempts that fail, gives back, writes progress, and loses to whoever has the fence', async () => {
    const { id: uuid } = await tasks.accept(note, { n: 1 });
    const [first] = await oldest();
    await ask('progress', [`{${first!.id}}`, '{1}', ['7']]);
    expect(await tasks.get(uuid)).toMatchObject({ progress: 7 });
    expect((await ask('failed', [`{${first!.id}}`, '{1}', ['no'], [null], [0]])).rows).toMatchObject([
      { state: 'queued' },
    ]);
    const [second] = await oldest();
    expect(second).toMatchObject({ fence: 2 });
    await ask('given_back', [`{${first!.id}}`, '{2}']);
    const [third] = await oldest();
    expect((await ask('done_one', [third!.id, 2])).rowCount).toBe(0);
    expect((await ask('done_one', [third!.id, 3])).rowCount).toBe(1);
    expect(await tasks.get(uuid)).toMatchObject({ state: 'done', attempt: 2, attempts: [{ error: 'no' }, {}] });
  });

  it('keeps its lease, and gets back what its claim lost', async () => {
    const { id: uuid } = await tasks.accept(note, { n: 1 });
    await oldest();
    expect((await ask('beat', [WORKER, 1, 'postgres', false])).rowCount).toBe(1);
    await ageClaims(fixture, WORKER);
    const { rows } = await ask('reconcile', [WORKER, '{}', '{}', '{}', secondsAgo(5)]);
    expect(rows).toMatchObject([{ what: 'given-back' }]);
    const [again] = await oldest();
    expect((await ask('reconcile', [WORKER, `{${again!.id}}`, '{1}', '{}', secondsAgo(5)])).rows).toMatchObject([
      { what: 'disowned' },
    ]);
    await ask('done', [`{${again!.id}}`, '{2}', '{}']);
    expect((await tasks.get(uuid))?.state).toBe('done');
  });

  it('takes back what a dead worker left', async () => {
    const { id: uuid } = await tasks.accept(note, { n: 1 });
    await oldest();
    await fixture.rows('update holdfast.worker set expired_at = now()');
    expect((await ask('orphans')).rows).toEqual([{ orphans: true }]);
    expect((await ask('take_back')).rows).toMatchObject([{ state: 'queued' }]);
    expect((await ask('beat', [WORKER, 1, 'postgres', false])).rowCount).toBe(0);
    expect((await tasks.get(uuid))?.state).toBe('queued');
    await ask('forget_claims');
    expect(await fixture.rows('select from holdfast.claim')).toEqual([]);
  });
});
