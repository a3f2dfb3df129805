import { randomUUID } from 'node:crypto';
import type { Tasks } from '../../../src/tasks';
import { CommitUnknownError, RequestKeyReusedError } from '../../../src/tasks';
import { forgetRequestKeys } from '../../../src/tasks/accepting/request-keys';
import { cuttingProxy } from '../support/cutting-proxy';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { untilWaiting } from '../support/waiting';

let fixture: LedgerFixture;
let tasks: Tasks;
const stored = async (): Promise<string[]> =>
  (await fixture.rows<{ uuid: string }>('select uuid from holdfast.task order by id')).map(({ uuid }) => uuid);
const fresh = (id: string) => ({ id, duplicate: false, replaced: false });
const repeated = (id: string) => ({ id, duplicate: true, replaced: false });

beforeAll(async () => {
  fixture = await ledgerFixture();
  tasks = openEngine(fixture, undefined);
});
afterAll(async () => {
  await tasks.close();
  await fixture.drop();
});
beforeEach(() => fixture.pool.query('truncate holdfast.task, holdfast.request_key cascade'));

describe('the same request key gives the same task', () => {
  it('alone and in the caller’s transaction, whatever the order of the payload’s fields', async () => {
    const { id, ...first } = await tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    expect(first).toEqual({ duplicate: false, replaced: false });
    expect(await tasks.accept(note, { n: 1 }, { requestKey: 'a' })).toEqual(repeated(id));
    expect(await tasks.transaction((tx) => tasks.accept(tx, note, { n: 1 }, { requestKey: 'a' }))).toEqual(
      repeated(id),
    );
    const client = await fixture.connect();
    await client.query('begin');
    expect(await tasks.accept(client, note, { n: 1 }, { requestKey: 'a' })).toEqual(repeated(id));
    const other = await tasks.accept(client, note, { n: 1 }, { requestKey: 'b' });
    expect(await tasks.accept(client, note, { n: 1 }, { requestKey: 'b' })).toEqual(repeated(other.id));
    await client.query('commit');
    expect(await stored()).toEqual([id, other.id]);
    expect(tasks.metrics()['accepted']).toBe(1);
  });

  it('finished and pruned tasks included', async () => {
    const { id } = await tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now()`);
    expect(await tasks.accept(note, { n: 1 }, { requestKey: 'a' })).toEqual(repeated(id));
    await fixture.pool.query('delete from holdfast.task');
    expect(await tasks.accept(note, { n: 1 }, { requestKey: 'a' })).toEqual(repeated(id));
    expect(await stored()).toEqual([]);
  });

  it('gives a batch its tasks in their order, an empty one too', async () => {
    const batch = await tasks.acceptMany(note, [{ n: 1 }, { n: 2 }, { n: 3 }], { requestKey: 'a' });
    const again = await tasks.acceptMany(note, [{ n: 1 }, { n: 2 }, { n: 3 }], { requestKey: 'a' });
    expect(again).toEqual(batch.map(({ id }) => repeated(id)));
    expect(await stored()).toEqual(batch.map(({ id }) => id));
    expect(await tasks.acceptMany(note, [], { requestKey: 'none' })).toEqual([]);
    expect(await tasks.acceptMany(note, [], { requestKey: 'none' })).toEqual([]);
  });

  it('a different payload under it is refused, and leaves the caller’s transaction usable', async () => {
    const { id } = await tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    await expect(tasks.accept(note, { n: 2 }, { requestKey: 'a' })).rejects.toThrow(
      'the request key "a" was used for another request; choose a new key for a new request',
    );
    const other = await tasks.transaction(async (tx) => {
      const refused = tasks.acceptMany(tx, note, [{ n: 1 }, { n: 1 }], { requestKey: 'a' });
      await expect(refused).rejects.toThrow(RequestKeyReusedError);
      return tasks.accept(tx, note, { n: 3 });
    });
    expect(await stored()).toEqual([id, other.id]);
    // Where the caller says what the request is, the payload may differ.
    const options = { requestKey: 'b', requestFingerprint: 'the file' };
    const third = await tasks.accept(note, { n: 4 }, options);
    expect(await tasks.accept(note, { n: 5 }, options)).toEqual(repeated(third.id));
  });

  it('across a deploy that has raised the version of the definition', async () => {
    const { id } = await tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    const next = { ...note, version: note.version + 1 };
    expect(await tasks.accept(next, { n: 1 }, { requestKey: 'a' })).toEqual(repeated(id));
    await expect(tasks.accept(next, { n: 2 }, { requestKey: 'a' })).rejects.toThrow(RequestKeyReusedError);
  });

  it('also when what it was to run after has been pruned since', async () => {
    const [parent] = await tasks.acceptMany(note, [{ n: 0 }]);
    const options = { requestKey: 'a', after: [parent!.id] };
    const child = await tasks.accept(note, { n: 1 }, options);
    await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now(), resume_at = null`);
    await fixture.pool.query('delete from holdfast.dependency');
    await fixture.pool.query('delete from holdfast.task');
    expect(await tasks.accept(note, { n: 1 }, options)).toEqual(repeated(child.id));
    expect(await tasks.transaction((tx) => tasks.accept(tx, note, { n: 1 }, options))).toEqual(repeated(child.id));
    await expect(tasks.accept(note, { n: 2 }, options)).rejects.toThrow(RequestKeyReusedError);
    expect(await stored()).toEqual([]);
  });

  it('and one that was refused for its parents leaves its key free, also where the caller goes on', async () => {
    const [parent] = await tasks.acceptMany(note, [{ n: 0 }]);
    const id = await tasks.transaction(async (tx) => {
      const refused = tasks.accept(tx, note, { n: 1 }, { requestKey: 'a', after: [randomUUID()] });
      await expect(refused).rejects.toThrow('not in the ledger');
      return (await tasks.accept(tx, note, { n: 1 }, { requestKey: 'a', after: [parent!.id] })).id;
    });
    expect(await stored()).toEqual([parent!.id, id]);
  });

  it('under a unique key as well: the task that the first request was answered with', async () => {
    const holder = await tasks.accept(note, { n: 1 }, { uniqueKey: 'u' });
    const options = { requestKey: 'a', uniqueKey: 'u' };
    expect(await tasks.accept(note, { n: 2 }, options)).toEqual(repeated(holder.id));
    await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now(), held_key = null`);
    expect(await tasks.accept(note, { n: 2 }, options)).toEqual(repeated(holder.id));
    expect(await stored()).toEqual([holder.id]);
  });
});

describe('two callers at once under one request key', () => {
  it('accept one task: the second waits for the first’s commit and gets its id', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    const first = await tasks.accept(client, note, { n: 1 }, { requestKey: 'a' });
    const second = tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    await untilWaiting(fixture);
    await client.query('commit');
    expect(await second).toEqual(repeated(first.id));
    expect(await stored()).toEqual([first.id]);
  });

  it('the second accepts itself when the first rolls back', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    const first = await tasks.accept(client, note, { n: 1 }, { requestKey: 'a' });
    const second = tasks.accept(note, { n: 1 }, { requestKey: 'a' });
    await untilWaiting(fixture);
    await client.query('rollback');
    const { id } = await second;
    expect(await second).toEqual(fresh(id));
    expect(id).not.toBe(first.id);
    expect(await stored()).toEqual([id]);
  });

  it('one that waits holds up nobody without that key, however many wait', async () => {
    const client = await fixture.connect();
    await client.query('begin');
    await tasks.accept(client, note, { n: 1 }, { requestKey: 'a' });
    const waiting = Array.from({ length: 30 }, () => tasks.accept(note, { n: 1 }, { requestKey: 'a' }));
    await untilWaiting(fixture);
    await Promise.all([
      tasks.accept(note, { n: 2 }),
      tasks.accept(note, { n: 2 }, { requestKey: 'b' }),
      tasks.accept(note, { n: 2 }, { uniqueKey: 'a' }),
    ]);
    await client.query('rollback');
    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
  });
});

it('is what a client uses after an unknown COMMIT: one task', async () => {
  const proxy = await cuttingProxy(fixture.url);
  const cut = openEngine({ ...fixture, url: proxy.url }, undefined);
  try {
    const requestKey = randomUUID();
    const sent = proxy.loseAnswerTo('commit');
    const first = cut.accept(note, { n: 1 }, { requestKey });
    const refused = expect(first).rejects.toThrow(CommitUnknownError);
    await sent;
    proxy.cut();
    await refused;
    const { id } = await cut.accept(note, { n: 1 }, { requestKey });
    expect(await stored()).toEqual([id]);
  } finally {
    await cut.close();
    await proxy.close();
  }
});

it('request keys are kept for 24 hours, and forgotten after that', async () => {
  const old = await tasks.accept(note, { n: 1 }, { requestKey: 'old' });
  const young = await tasks.accept(note, { n: 1 }, { requestKey: 'young' });
  await fixture.pool.query(`
    update holdfast.request_key
    set accepted_at = now() - case key when 'old' then interval '24 hours 1 second' else interval '23 hours 59 minutes' end`);
  const chore = forgetRequestKeys();
  expect(await tasks.transaction((tx) => chore.step(tx))).toEqual({ more: false });
  expect(await tasks.accept(note, { n: 1 }, { requestKey: 'young' })).toEqual(repeated(young.id));
  expect((await tasks.accept(note, { n: 2 }, { requestKey: 'old' })).id).not.toBe(old.id);
});
