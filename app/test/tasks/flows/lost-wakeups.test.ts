import type { Client } from 'pg';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { DispatchItem } from '../../../src/tasks/dispatching/dispatcher';
import { Finisher } from '../../../src/tasks/finishing/finisher';
import { FLOWS } from '../../../src/tasks/flows/flow-statements';
import { Promoter } from '../../../src/tasks/flows/promoter';
import { Settling } from '../../../src/tasks/flows/settling';
import type { SettledRow } from '../../../src/tasks/flows/settling';
import { InHand } from '../../../src/tasks/running/in-hand';
import { connectionRefused } from '../support/disturbed-ledger';
import { taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';
import { END, flowFixture, queues, step } from './flow-fixture';
import type { FlowFixture } from './flow-fixture';

let fixture: FlowFixture;
let parts: TestParts;
beforeEach(async () => {
  fixture = await flowFixture();
  parts = workerParts(fixture.url);
});
afterEach(async () => {
  await parts.close();
  await fixture.close();
});

const parent = async (): Promise<string> => (await fixture.tasks.accept(step, {})).id;
const child = async (...after: readonly string[]): Promise<string> =>
  (await fixture.tasks.accept(step, {}, { after })).id;

/** What the promoter does for a parent that has just ended. */
async function fastPath(uuid: string): Promise<string[]> {
  const { id } = await taskRow(fixture, uuid);
  return (await settledAfter(id, fixture.pool)).map((row) => row.uuid);
}

async function settledAfter(id: string, on: Pick<Client, 'query'>): Promise<SettledRow[]> {
  const settling = new Settling();
  settling.after([id]);
  const rows: SettledRow[] = [];
  while (!settling.over) rows.push(...(await settling.next((text, values) => on.query(text, values as unknown[]))));
  return rows;
}

async function claim(uuid: string): Promise<ClaimedTask> {
  const worker = await workerRow(fixture, ['step@1']);
  const { id } = await taskRow(fixture, uuid);
  const [claimed] = await new Claimer(parts.ledger, ['step@1'], ['default']).byId(worker, [id]);
  return claimed!;
}

function promotingFinisher(pushed: DispatchItem[]): { finisher: Finisher; promoter: Promoter } {
  const { ledger, acceptor, counters, logger } = parts;
  const promoter = new Promoter({ ledger, logger, dispatcher: { push: (items) => void pushed.push(...items) } });
  const transaction = <T>(fn: Parameters<typeof acceptor.transaction<T>>[0]): Promise<T> => acceptor.transaction(fn);
  const ended = (id: string): void => promoter.ended(id);
  return { finisher: new Finisher(ledger, transaction, new InHand(), counters, logger, ended), promoter };
}

it('the end of the last parent lets the child run at once, and dispatches it', async () => {
  const [one, two] = [await parent(), await parent()];
  const waiting = await child(one, two);
  const pushed: DispatchItem[] = [];
  const { finisher } = promotingFinisher(pushed);
  await finisher.done(await claim(one));
  await until('the promoter has looked', () => parts.ledger.answered(FLOWS.settle_children) === 1);
  expect(await fixture.states(waiting)).toEqual(['waiting']);
  await finisher.done(await claim(two), '{"films":3}');
  await until('the child is dispatched', () => pushed.length === 1);
  const { id } = await taskRow(fixture, waiting);
  expect(pushed).toEqual([{ id, queue: 'default', priority: 1 }]);
  expect(await fixture.states(waiting)).toEqual(['queued']);
});

it('a child that wanted to run later still does', async () => {
  const one = await parent();
  const runAt = new Date(Date.now() + 3_600_000);
  const { id } = await fixture.tasks.accept(step, {}, { after: [one], runAt });
  await fixture.end(one, 'done');
  expect(await fastPath(one)).toEqual([id]);
  expect(await fixture.tasks.get(id)).toMatchObject({ state: 'queued', runAt });
});

it('the death of a parent ends the child, and what waits for that one in turn', async () => {
  const one = await parent();
  const middle = await child(one);
  const last = await child(middle);
  const { finisher } = promotingFinisher([]);
  const task = await claim(one);
  await finisher.failed({ task, verdict: 'dead', error: 'no', deadReason: 'non-retryable', delaySeconds: 0 });
  await until('both are cancelled', async () => (await fixture.states(middle, last)).every((s) => s === 'cancelled'));
  expect((await fixture.tasks.get(middle))?.error).toBe(`task ${one} (step), for which it waited, is dead`);
  expect((await fixture.tasks.get(last))?.error).toBe(`task ${middle} (step), for which it waited, is cancelled`);
});

it('while nothing waits, ends are answered from memory: at most one look a second, and no promotion', async () => {
  const { promoter } = promotingFinisher([]);
  const began = performance.now();
  promoter.ended('1');
  await until('it has looked', () => parts.ledger.answered(FLOWS.any_open) === 1);
  for (let id = 2; id < 10_000; id += 1) promoter.ended(String(id));
  await new Promise(setImmediate);
  expect(parts.ledger.count(FLOWS.any_open)).toBeLessThanOrEqual(1 + (performance.now() - began) / 1000);
  expect(parts.ledger.count(FLOWS.settle_children)).toBe(0);
});

describe('no wake-up is lost', () => {
  it('when the child’s transaction commits after its parent’s end', async () => {
    const one = await parent();
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await fixture.tasks.accept(client, step, {}, { after: [one] });
    await fixture.end(one, 'done');
    expect(await fastPath(one)).toEqual([]);
    await client.query('commit');
    expect(await fixture.states(id)).toEqual(['waiting']);
    await fixture.sweep();
    expect(await fixture.states(id)).toEqual(['queued']);
  });

  it('when two parents end at the same time', async () => {
    const [one, two] = [await parent(), await parent()];
    const waiting = await child(one, two);
    const [first, second] = [await ending(one), await ending(two)];
    await first.query('commit');
    expect(await fastPath(one)).toEqual([]);
    await second.query('commit');
    expect(await fastPath(two)).toEqual([waiting]);
    expect(await fixture.states(waiting)).toEqual(['queued']);
  });

  it('when both promotions find the child’s row held by somebody else', async () => {
    const [one, two] = [await parent(), await parent()];
    const waiting = await child(one, two);
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query('select from holdfast.task where uuid = $1 for no key update', [waiting]);
    await Promise.all([fixture.end(one, 'done'), fixture.end(two, 'done')]);
    expect([await fastPath(one), await fastPath(two)]).toEqual([[], []]);
    await holder.query('rollback');
    await fixture.sweep();
    expect(await fixture.states(waiting)).toEqual(['queued']);
  });

  it('and none happens twice when two promotions meet', async () => {
    const [one, two] = [await parent(), await parent()];
    const waiting = await child(one, two);
    await Promise.all([fixture.end(one, 'done'), fixture.end(two, 'done')]);
    const client = await fixture.connect();
    await client.query('begin');
    const { id } = await taskRow(fixture, one);
    const mine = await settledAfter(id, client);
    expect(mine.map(({ uuid }) => uuid)).toEqual([waiting]);
    expect(await fastPath(two)).toEqual([]);
    await client.query('commit');
    expect(await fastPath(two)).toEqual([]);
    expect(await fixture.states(waiting)).toEqual(['queued']);
  });

  it('when the promoter dies after the parent’s commit', async () => {
    const one = await parent();
    const waiting = await child(one);
    parts.ledger.before(FLOWS.any_open, connectionRefused);
    parts.ledger.before(FLOWS.settle_children, connectionRefused);
    await parts.startWorker({ handlers: [fixture.handler], queues });
    await until('the promotion was tried', () => parts.ledger.count(FLOWS.any_open) > 0);
    await fixture.reaches(waiting, 'done');
    expect(parts.ledger.answered(FLOWS.settle_children)).toBe(0);
  });

  it('however many wait: the sweep goes round all of them by pages', async () => {
    const [early, late] = [await parent(), await parent()];
    await fixture.tasks.acceptMany(
      step,
      Array.from({ length: 2_000 }, () => ({})),
      { after: [early] },
    );
    const last = await child(late);
    await fixture.end(late, 'done');
    await fixture.sweep();
    expect(await fixture.states(last)).toEqual(['waiting']);
    await fixture.sweep();
    expect(await fixture.states(last)).toEqual(['queued']);
  });
});

/** The parent has ended in a transaction that has not committed. */
async function ending(id: string): Promise<Client> {
  const client = await fixture.connect();
  await client.query('begin');
  await client.query(END, [id, 'done']);
  return client;
}
