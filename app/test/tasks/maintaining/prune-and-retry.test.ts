import { retryTasks } from '../../../src/tasks/flows/reviving';
import { pruneChore } from '../../../src/tasks/maintaining/prune-chore';
import { flowFixture, step } from '../flows/flow-fixture';
import type { FlowFixture } from '../flows/flow-fixture';

/*
 * Interleaving: a child is retried by hand, and before that is committed the step that would delete a parent of it looks.
 * Nobody works here: states are as the ledger's statements leave them.
 */
describe('retention keeps what an unfinished task waits for, or has waited for', () => {
  let fixture: FlowFixture;
  beforeEach(async () => {
    fixture = await flowFixture();
  });
  afterEach(() => fixture.close());

  const prune = pruneChore({ doneSeconds: 3_600, cancelledSeconds: 3_600, deadSeconds: 3_600 });

  it.each([
    ['waits again, for another one', { other: 'queued', started: false, becomes: 'waiting' }],
    ['is queued at once, for all of them have ended', { other: 'done', started: false, becomes: 'queued' }],
    ['is queued, for it had begun', { other: 'done', started: true, becomes: 'queued' }],
  ] as const)('when a retry that has not committed yet makes a task unfinished that %s', async (_, given) => {
    const { tasks } = fixture;
    const old = await tasks.accept(step, {});
    const other = await tasks.accept(step, {});
    const child = await tasks.accept(step, {}, { after: [old.id, other.id] });
    await fixture.end(old.id, 'done');
    if (given.other === 'done') await fixture.end(other.id, 'done');
    await fixture.rows(
      `update holdfast.task set state = 'cancelled', finished_at = now(), fence = $2, run_at = resume_at, resume_at = null
       where uuid = $1`,
      [child.id, given.started ? 1 : 0],
    );
    await fixture.rows('update holdfast.dependency set open = false');
    // Only the one parent has expired.
    await fixture.rows(
      `update holdfast.task set accepted_at = now() - interval '1 day', finished_at = now() - interval '1 day'
       where uuid = $1`,
      [old.id],
    );

    await tasks.transaction(async (retrying) => {
      await retryTasks(retrying, [child.id]);
      // Neither waits for the retry nor takes the parent from under it.
      await tasks.transaction((pruning) => prune.step(pruning));
    });

    expect(await fixture.states(child.id)).toEqual([given.becomes]);
    const parents = (await tasks.get(child.id))?.after.map(({ id }) => id);
    expect(parents?.sort()).toEqual([old.id, other.id].sort());
  });
});
