import { KeyBusyError } from '../../../src/tasks';
import type { Tasks } from '../../../src/tasks';
import { prepare } from '../../../src/tasks/accepting/prepare';
import type { Send } from '../../../src/tasks/accepting/send';
import { UniqueKeys } from '../../../src/tasks/accepting/unique-keys';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';

describe('accepting under a key that others take over and over', () => {
  let fixture: LedgerFixture;
  let tasks: Tasks;
  beforeEach(async () => {
    fixture = await ledgerFixture();
    tasks = openEngine(fixture, undefined);
  });
  afterEach(async () => {
    await tasks.close();
    await fixture.drop();
  });

  const unique = { name: note.name, key: 'k', until: 'start', replace: false } as const;

  /** Interleaving: somebody else accepts between our look and our insert, and that task starts before we look again. */
  async function interfered(times: number): Promise<{ readonly tried: number; readonly end: Promise<unknown> }> {
    const client = await fixture.connect();
    let tried = 0;
    const send: Send = async (name, text, values) => {
      const inserts = name === 'holdfast insert unique';
      if (inserts && (tried += 1) > 100) throw new Error('it never ends');
      const interferes = inserts && tried <= times;
      if (interferes) await tasks.accept(note, { n: tried }, { uniqueKey: 'k' });
      const answer = await client.query(text, [...values]);
      if (interferes) await fixture.rows('update holdfast.task set held_key = null, fence = 1');
      return answer as never;
    };
    const end = new UniqueKeys().accept(send, prepare(note, { n: 0 }), unique, false);
    await end.catch(() => undefined);
    return { tried, end };
  }

  it('goes on as long as it may only be bad luck', async () => {
    const { end } = await interfered(5);
    expect(await end).toMatchObject({ accepted: { duplicate: false } });
  });

  it('gives up after a bounded number of tries, and has accepted nothing', async () => {
    const { tried, end } = await interfered(Infinity);
    await expect(end).rejects.toThrow(new KeyBusyError('note', 'k'));
    expect(tried).toBe(25);
    expect(await fixture.rows(`select from holdfast.task where payload ->> 'n' = '0'`)).toEqual([]);
  });
});
