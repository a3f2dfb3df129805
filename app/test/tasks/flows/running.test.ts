import { flowFixture, queues, step } from './flow-fixture';
import type { FlowFixture } from './flow-fixture';

describe('a flow that runs', () => {
  let fixture: FlowFixture;
  beforeAll(async () => {
    fixture = await flowFixture();
    await fixture.tasks.startWorker({ handlers: [fixture.handler], queues });
  });
  afterAll(() => fixture.close());

  it('goes from parents to children, which see what their parents returned', async () => {
    const { tasks } = fixture;
    const first = await tasks.accept(step, {});
    const [left, right] = await tasks.acceptMany(step, [{}, {}], { after: [first.id] });
    const last = await tasks.accept(step, {}, { after: [left!.id, right!.id] });
    const done = await fixture.reaches(last.id, 'done');
    expect(done.after).toEqual([
      { id: left!.id, name: 'step', state: 'done', onFailure: 'cancel' },
      { id: right!.id, name: 'step', state: 'done', onFailure: 'cancel' },
    ]);
    expect((await tasks.get(first.id))?.before.map(({ id }) => id)).toEqual([left!.id, right!.id]);
    expect(fixture.seen.get(last.id)).toEqual([
      { id: left!.id, name: 'step', state: 'done', result: { of: left!.id } },
      { id: right!.id, name: 'step', state: 'done', result: { of: right!.id } },
    ]);
    expect(fixture.seen.get(first.id)).toEqual([]);
  });

  it('a parent that ends dead or discarded cancels, or lets run who wants to run anyway', async () => {
    const { tasks } = fixture;
    for (const end of ['dead', 'cancelled'] as const) {
      const held = await tasks.accept(step, { end: 'held' });
      const parent = await tasks.accept(step, { end });
      const strict = await tasks.accept(step, {}, { after: [held.id, parent.id] });
      const after = [{ id: parent.id, onFailure: 'run' as const }];
      const lenient = await tasks.accept(step, {}, { after });
      expect(await fixture.reaches(strict.id, 'cancelled')).toMatchObject({
        error: expect.stringMatching(
          `^task ${parent.id} \\(step\\), for which it (waited|was to wait), is ${end}$`,
        ) as string,
      });
      await fixture.reaches(lenient.id, 'done');
      expect(fixture.seen.get(lenient.id)).toEqual([{ id: parent.id, name: 'step', state: end, result: null }]);
    }
  });
});
