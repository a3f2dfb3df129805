import type { Client } from 'pg';
import { z } from 'zod';
import type { AcceptedTask, AcceptOptions, Tasks } from '../../../src/tasks';
import { defineTask } from '../../../src/tasks';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { finisherOf } from '../support/finishing-fixture';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { untilWaiting } from '../support/waiting';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const START: AcceptOptions = { uniqueKey: 'u' };
const FINISH: AcceptOptions = { uniqueKey: { key: 'u', until: 'finish' } };
const replacing = (until: 'start' | 'finish'): AcceptOptions => ({ uniqueKey: { key: 'u', until, replace: true } });
const other = defineTask({ name: 'other', payload: z.object({ n: z.number() }) });

let fixture: LedgerFixture;
let tasks: Tasks;
let parts: TestParts;
let worker: string;
const duplicateOf = ({ id }: AcceptedTask) => ({ id, duplicate: true, replaced: false });
const replacementOf = ({ id }: AcceptedTask) => ({ id, duplicate: true, replaced: true });
const accept = (n: number, options: AcceptOptions): Promise<AcceptedTask> => tasks.accept(note, { n }, options);
const claim = (): Promise<ClaimedTask[]> =>
  new Claimer(parts.ledger, ['note@1'], ['default']).oldest(worker, [{ queue: 'default', priority: 1 }], 10);
const begin = async (): Promise<Client> => {
  const client = await fixture.connect();
  await client.query('begin');
  return client;
};

beforeAll(async () => {
  fixture = await ledgerFixture();
  tasks = openEngine(fixture, undefined);
  parts = workerParts(fixture.url);
  worker = await workerRow(fixture, ['note@1']);
});
afterAll(async () => {
  await parts.close();
  await tasks.close();
  await fixture.drop();
});
beforeEach(() => fixture.pool.query('truncate holdfast.task, holdfast.claim cascade'));

describe('until start', () => {
  it('accept returns the task of this key while it is queued, and a new one from its start on', async () => {
    const first = await accept(1, START);
    expect(first).toEqual({ id: first.id, duplicate: false, replaced: false });
    expect(await accept(2, START)).toEqual(duplicateOf(first));
    expect(await tasks.transaction((tx) => tasks.accept(tx, note, { n: 2 }, START))).toEqual(duplicateOf(first));
    expect(await tasks.get(first.id)).toMatchObject({ uniqueKey: 'u', payload: { n: 1 } });
    await claim();
    const second = await accept(3, START);
    expect(second).toEqual({ id: second.id, duplicate: false, replaced: false });
    expect((await tasks.list({ uniqueKey: 'u' })).items.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect((await tasks.list({ uniqueKey: 'v' })).items).toEqual([]);
  });

  it('is lost for good at the first claim, also when the task is given back or tried again', async () => {
    const first = await accept(1, START);
    const [claimed] = await claim();
    const second = await accept(2, START);
    await finisherOf(parts).giveBack([claimed!]);
    expect(await taskRow(fixture, first.id)).toMatchObject({ state: 'queued', held_key: null, unique_key: 'u' });
    expect(await accept(3, START)).toEqual(duplicateOf(second));
  });

  it('a task that a caller’s open transaction was answered with starts after it, so that it sees what that wrote', async () => {
    const first = await accept(1, START);
    const plain = await tasks.accept(note, { n: 2 });
    const [one, two] = [await begin(), await begin()];
    expect(await tasks.accept(one, note, { n: 2 }, START)).toEqual(duplicateOf(first));
    expect(await tasks.accept(two, note, { n: 2 }, START)).toEqual(duplicateOf(first));
    expect((await claim()).map(({ uuid }) => uuid)).toEqual([plain.id]);
    await one.query('commit');
    await two.query('rollback');
    expect((await claim()).map(({ uuid }) => uuid)).toEqual([first.id]);
  });

  it('a task that starts while a caller looks is not its answer', async () => {
    const first = await accept(1, START);
    const claiming = await begin();
    await claiming.query(`update holdfast.task set state = 'running', fence = 1, held_key = null`);
    const second = tasks.transaction((tx) => tasks.accept(tx, note, { n: 2 }, START));
    await untilWaiting(fixture);
    await claiming.query('commit');
    expect(await second).toMatchObject({ duplicate: false });
    expect((await second).id).not.toBe(first.id);
  });
});

describe('until finish', () => {
  it('accept returns the task of this key until it is done', async () => {
    const first = await accept(1, FINISH);
    const [claimed] = await claim();
    expect(await accept(2, FINISH)).toEqual(duplicateOf(first));
    await finisherOf(parts).giveBack([claimed!]);
    expect(await accept(2, FINISH)).toEqual(duplicateOf(first));
    const [again] = await claim();
    await finisherOf(parts).doneWithEffects(again!, () => Promise.resolve());
    expect(await accept(3, FINISH)).toMatchObject({ duplicate: false });
  });

  it('no open caller transaction blocks another’s completion or claim', async () => {
    const first = await accept(1, FINISH);
    const queued = await begin();
    expect(await tasks.accept(queued, note, { n: 2 }, FINISH)).toEqual(duplicateOf(first));
    const [claimed] = await claim();
    const running = await begin();
    expect(await tasks.accept(running, note, { n: 2 }, replacing('finish'))).toEqual(duplicateOf(first));
    expect(await finisherOf(parts).doneWithEffects(claimed!, () => Promise.resolve())).toBe('done');
    // Now a caller that holds the key with an uncommitted task holds up nothing either.
    const third = await tasks.accept(running, note, { n: 3 }, FINISH);
    const plain = await tasks.accept(note, { n: 4 });
    expect((await claim()).map(({ uuid }) => uuid)).toEqual([plain.id]);
    await running.query('commit');
    await queued.query('commit');
    expect((await claim()).map(({ uuid }) => uuid)).toEqual([third.id]);
  });
});

describe('replace', () => {
  it('updates payload, runAt, attempts and priority of one not started', async () => {
    const later = new Date(Date.now() + 3_600_000);
    const first = await accept(1, { ...replacing('start'), runAt: new Date(Date.now() + 60_000) });
    expect(await accept(2, { ...replacing('start'), runAt: later, attempts: 2, priority: 'low' })).toEqual(
      replacementOf(first),
    );
    expect(await tasks.get(first.id)).toMatchObject({
      payload: { n: 2 },
      runAt: later,
      maxAttempts: 2,
      priority: 'low',
    });
    // The debounced call that does come through is due at once.
    expect(await accept(3, { ...replacing('start') })).toEqual(replacementOf(first));
    expect(await claim()).toMatchObject([{ uuid: first.id, payload: { n: 3 }, maxAttempts: 5 }]);
  });

  it('never touches one that has started', async () => {
    const first = await accept(1, FINISH);
    const [claimed] = await claim();
    expect(await accept(2, replacing('finish'))).toEqual(duplicateOf(first));
    await finisherOf(parts).giveBack([claimed!]);
    expect(await accept(2, replacing('finish'))).toEqual(duplicateOf(first));
    expect(await taskRow(fixture, first.id)).toMatchObject({ payload: { n: 1 }, attempts: 0, fence: 1 });
  });

  it('of one that starts at the same moment leaves it alone: a new task, or the running one', async () => {
    for (const keeps of ['start', 'finish'] as const) {
      await fixture.pool.query('truncate holdfast.task cascade');
      const first = await accept(1, { uniqueKey: { key: 'u', until: keeps } });
      const claiming = await begin();
      await claiming.query(`
        update holdfast.task
        set state = 'running', fence = 1, held_key = case when key_until_finish then held_key end`);
      const second = accept(2, replacing(keeps));
      await untilWaiting(fixture);
      await claiming.query('commit');
      expect((await second).id === first.id).toBe(keeps === 'finish');
      expect(await taskRow(fixture, first.id)).toMatchObject({ payload: { n: 1 }, state: 'running' });
    }
  });

  it('of a task out of its lane changes when it will be due, and lets one that nobody could run try again', async () => {
    const at = new Date(Date.now() + 60_000);
    const first = await accept(1, START);
    const out = `run_at = 'infinity', resume_at = now()`;
    await fixture.pool.query(`update holdfast.task set state = 'waiting', ${out}`);
    expect(await accept(2, { ...replacing('start'), runAt: at })).toEqual(replacementOf(first));
    expect(await taskRow(fixture, first.id)).toMatchObject({ state: 'waiting', run_at: Infinity, resume_at: at });
    await fixture.pool.query(`update holdfast.task set state = 'queued', shelved = true, ${out}`);
    expect(await accept(2, { ...replacing('start'), runAt: at })).toEqual(replacementOf(first));
    expect(await taskRow(fixture, first.id)).toMatchObject({ shelved: false, run_at: at, resume_at: null });
  });

  it('one that becomes due is dispatched: a worker gets it at once', async () => {
    const first = await accept(1, { ...replacing('start'), runAt: new Date(Date.now() + 3_600_000) });
    const before = tasks.metrics()['dispatchSkipped']!;
    await accept(2, replacing('start'));
    // Without Redis what would be handed over is counted as left.
    expect(tasks.metrics()['dispatchSkipped']).toBe(before + 1);
    expect((await claim()).map(({ uuid }) => uuid)).toEqual([first.id]);
  });
});

describe('two callers at once under one unique key', () => {
  it.each(['commit', 'rollback'])('the second waits for the first’s %s', async (end) => {
    const client = await begin();
    const first = await tasks.accept(client, note, { n: 1 }, START);
    const second = accept(2, START);
    await untilWaiting(fixture);
    await client.query(end);
    expect((await second).duplicate).toBe(end === 'commit');
    expect((await second).id === first.id).toBe(end === 'commit');
    await until('one task', async () => (await fixture.rows('select from holdfast.task')).length === 1);
  });

  it('one that waits holds up nobody without that key', async () => {
    const client = await begin();
    await tasks.accept(client, note, { n: 1 }, START);
    const waiting = Array.from({ length: 30 }, (_, i) =>
      tasks.accept(note, { n: i }, { ...START, requestKey: `r${i}` }),
    );
    await untilWaiting(fixture);
    await Promise.all([
      tasks.accept(note, { n: 2 }),
      accept(2, { uniqueKey: 'v' }),
      tasks.accept(other, { n: 1 }, START),
    ]);
    await client.query('commit');
    expect(new Set((await Promise.all(waiting)).map(({ id }) => id)).size).toBe(1);
  });
});

it('a build from before keys, which ends a task without freeing its key, leaves the key free for the next', async () => {
  const [first] = [await accept(1, FINISH), await claim()];
  // As that build ends it: it knows nothing of held_key.
  const end = `update holdfast.task set state = $2, finished_at = now(), dead_reason = $3 where uuid = $1`;
  await fixture.pool.query(end, [first.id, 'done', null]);
  expect(await taskRow(fixture, first.id)).toMatchObject({ held_key: 'u' });
  const second = await accept(2, FINISH);
  expect(second).toMatchObject({ duplicate: false });
  await fixture.pool.query(end, [second.id, 'dead', 'attempts-exhausted']);
  // Neither of them is in the way of the other, nor of itself.
  await tasks.retry(second.id);
  expect(await accept(3, FINISH)).toEqual(duplicateOf(second));
});

it('keys twice in one batch: each is answered by the same task', async () => {
  const many = await tasks.acceptMany(note, [{ n: 1 }, { n: 2 }, { n: 3 }], { ...START, requestKey: 'r' });
  expect(many).toEqual([
    { id: many[0]!.id, duplicate: false, replaced: false },
    ...[1, 2].map(() => duplicateOf(many[0]!)),
  ]);
  expect(await tasks.get(many[0]!.id)).toMatchObject({ payload: { n: 1 } });
  expect(await tasks.acceptMany(note, [{ n: 4 }, { n: 5 }], replacing('start'))).toEqual(
    [1, 2].map(() => replacementOf(many[0]!)),
  );
  expect(await tasks.get(many[0]!.id)).toMatchObject({ payload: { n: 5 } });
  const again = await tasks.acceptMany(note, [{ n: 1 }, { n: 2 }, { n: 3 }], { ...START, requestKey: 'r' });
  expect(again).toEqual([1, 2, 3].map(() => duplicateOf(many[0]!)));
});

it('tasks of other names have keys of their own', async () => {
  const first = await accept(1, START);
  expect((await tasks.accept(other, { n: 1 }, START)).id).not.toBe(first.id);
});
