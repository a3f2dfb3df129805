import { Claimer } from '../../../src/tasks/claiming/claimer';
import { ExternalStore } from '../../../src/tasks/external/external-store';
import type { EffectOfAttempt } from '../../../src/tasks/external/external-store';
import { externalFixture, mail } from '../support/external-fixture';
import type { ExternalFixture } from '../support/external-fixture';
import { failureOf, finisherOf } from '../support/finishing-fixture';
import { workerRow } from '../support/task-rows';

/*
 * The answer to the first attempt's call comes after a person has said that nothing was sent, and the next attempt calls.
 * Nobody works here: each step of both attempts is taken in the test's own order.
 */
describe('an answer that comes after a person has decided', () => {
  let fixture: ExternalFixture;
  let store: ExternalStore;
  let worker: string;
  let id: string;
  beforeEach(async () => {
    fixture = await externalFixture();
    store = new ExternalStore(fixture.parts.ledger);
    worker = await workerRow(fixture, ['mail@1']);
    id = await fixture.accept('park');
  });
  afterEach(() => fixture.close());

  const goOn = () => true;

  async function nextAttempt(): Promise<EffectOfAttempt> {
    const claimer = new Claimer(fixture.parts.ledger, ['mail@1'], ['default']);
    const [task] = await claimer.oldest(worker, [{ queue: 'default', priority: 1 }], 1);
    expect(task).toMatchObject({ uuid: id, name: mail.name });
    return { task: task!, key: 'receipt', onUnknown: 'park' };
  }

  /** The first attempt calls, gets no answer, and is parked; a person says that nothing was sent. */
  async function decided(): Promise<EffectOfAttempt> {
    const first = await nextAttempt();
    expect(await store.begin(first, goOn)).toEqual({ outcome: 'call' });
    await finisherOf(fixture.parts).failed({ ...failureOf(first.task), verdict: 'parked' });
    await fixture.tasks.resolve(id, { outcome: 'not-sent' });
    return first;
  }

  /** As the reapers do with the task of a worker that died. */
  async function worksNoMore({ task }: EffectOfAttempt): Promise<void> {
    await finisherOf(fixture.parts).giveBack([task]);
  }

  it('`not sent` takes back the intent of its own attempt only: a call after that stays in question', async () => {
    const first = await decided();
    const second = await nextAttempt();
    expect(await store.begin(second, goOn)).toEqual({ outcome: 'call' });
    await store.notSent(first, goOn);
    await worksNoMore(second);
    expect(await store.begin(await nextAttempt(), goOn)).toEqual({ outcome: 'unknown' });
  });

  it('a receipt counts: whoever has the task by now does not call', async () => {
    const first = await decided();
    await store.received(first, '"mail-1"');
    expect(await store.begin(await nextAttempt(), goOn)).toEqual({ outcome: 'receipt', receipt: 'mail-1' });
    expect(await fixture.tasks.get(id)).toMatchObject({ effects: [{ receipt: 'mail-1', resolved: false }] });
  });

  it('a receipt that comes while the next attempt calls stays, and that attempt’s own does not replace it', async () => {
    const first = await decided();
    const second = await nextAttempt();
    expect(await store.begin(second, goOn)).toEqual({ outcome: 'call' });
    await store.received(first, '"mail-1"');
    await store.received(second, '"mail-2"');
    await worksNoMore(second);
    expect(await store.begin(await nextAttempt(), goOn)).toEqual({ outcome: 'receipt', receipt: 'mail-1' });
  });
});
