import type { Tasks } from '../../../src/tasks';
import { KeyHeldError } from '../../../src/tasks';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { taskRow } from '../support/task-rows';
import { untilWaiting } from '../support/waiting';

let fixture: LedgerFixture;
let tasks: Tasks;
const uniqueKey = { key: 'u', until: 'finish' } as const;

/** As a task ends whose attempts are spent after losing workers. */
async function deadTask(): Promise<string> {
  const { id } = await tasks.accept(note, { n: 1 }, { uniqueKey });
  await fixture.pool.query(
    `update holdfast.task set state = 'dead', dead_reason = 'worker-lost', finished_at = now(), held_key = null,
       run_at = 'infinity', resume_at = now(), crashes = 4, attempts = 5, cancel_requested_at = now() where uuid = $1`,
    [id],
  );
  return id;
}

beforeAll(async () => {
  fixture = await ledgerFixture();
  tasks = openEngine(fixture, undefined);
});
afterAll(async () => {
  await tasks.close();
  await fixture.drop();
});

describe('retry by hand', () => {
  it('against a held key is refused with the holder’s id, and holds the key again when it is free', async () => {
    const dead = await deadTask();
    const holder = await tasks.accept(note, { n: 2 }, { uniqueKey });
    const refusal = await tasks.retry(dead).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(KeyHeldError);
    expect(refusal).toMatchObject({
      holderId: holder.id,
      message: `the unique key "u" of task ${dead} is held by task ${holder.id}; wait for that one, or cancel it`,
    });
    expect(await taskRow(fixture, dead)).toMatchObject({ state: 'dead', crashes: 4 });

    await fixture.pool.query(
      `update holdfast.task set state = 'done', finished_at = now(), held_key = null where uuid = $1`,
      [holder.id],
    );
    expect(await tasks.retry(dead)).toMatchObject({ state: 'queued', maxAttempts: 10 });
    const row = await taskRow(fixture, dead);
    // It was lost with its workers, so it is due out of its lane.
    expect(row).toMatchObject({ held_key: 'u', crashes: 2, run_at: Infinity, cancel_requested_at: null });
    expect(await tasks.accept(note, { n: 3 }, { uniqueKey })).toMatchObject({ id: dead, duplicate: true });
  });

  it('waits for an open transaction that accepted under the key, and goes on when that rolls back', async () => {
    await fixture.pool.query('truncate holdfast.task cascade');
    const dead = await deadTask();
    const client = await fixture.connect();
    await client.query('begin');
    await tasks.accept(client, note, { n: 2 }, { uniqueKey });
    const retried = tasks.retry(dead);
    await untilWaiting(fixture);
    await client.query('rollback');
    expect(await retried).toMatchObject({ id: dead, state: 'queued' });
  });

  it('waits for an open transaction that accepted under the key, and is refused when that commits', async () => {
    await fixture.pool.query('truncate holdfast.task cascade');
    const dead = await deadTask();
    const client = await fixture.connect();
    await client.query('begin');
    const holder = await tasks.accept(client, note, { n: 2 }, { uniqueKey });
    const retried = tasks.retry(dead).catch((error: unknown) => error);
    await untilWaiting(fixture);
    await client.query('commit');
    expect(await retried).toBeInstanceOf(KeyHeldError);
    expect(await retried).toMatchObject({ holderId: holder.id });
    expect(await taskRow(fixture, dead)).toMatchObject({ state: 'dead', held_key: null });
  });
});
