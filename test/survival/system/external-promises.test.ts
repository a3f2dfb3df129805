import { probe } from '../../../app/src/probes/probe.task';
import type { OnUnknown, Tasks } from '../../../app/src/tasks';
import type { Call } from './effect-receiver';
import { EXTERNAL_PROMISES } from './external-promises';
import type { LedgerView } from './ledger-view';
import { openProbeLedger } from './probe-ledger';
import type { ProbeLedger } from './probe-ledger';
import { brokenPromises } from './verdict';

describe('what a receiver journalled, held against the ledger', () => {
  let opened: ProbeLedger;
  let tasks: Tasks;
  let ledger: LedgerView;
  let id: string;

  beforeAll(async () => {
    opened = await openProbeLedger();
    ({ tasks, ledger } = opened);
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    await ledger.rows('delete from holdfast.task');
    await ledger.rows('delete from holdfast.external_effect');
    id = await done('repeat', 'effect 1');
  });

  /** A probe that is done under this receipt. @returns its id */
  async function done(onUnknown: OnUnknown, receipt: string): Promise<string> {
    const accepted = await tasks.accept(probe, { runMs: 0, failTimes: 0, outcome: 'external', onUnknown });
    await ledger.rows(`update holdfast.task set state = 'done', finished_at = now() where uuid = $1`, [accepted.id]);
    await ledger.rows(
      `insert into holdfast.external_effect (task_id, key, on_unknown, fence, receipt, receipt_at)
       select id, 'probe', $2, 1, jsonb_build_object('answer', $3::text), now() from holdfast.task where uuid = $1`,
      [accepted.id, onUnknown, receipt],
    );
    return accepted.id;
  }

  /** Those of the promises about calls that are broken. */
  async function brokenBy(...calls: Call[]): Promise<string[]> {
    const { sentences } = await brokenPromises(ledger, [], new Map(), { calls, underWay: false });
    return Object.keys(EXTERNAL_PROMISES).filter((promise) =>
      sentences.some((sentence) => sentence.startsWith(promise)),
    );
  }

  const call = (key: string, receipt = 'effect 1'): Call => ({ key, receipt });

  test('nothing is broken by a call that is repeated under its key', async () => {
    expect(await brokenBy(call(`${id}:probe`))).toEqual([]);
    expect(await brokenBy(call(`${id}:probe`), call(`${id}:probe`))).toEqual([]);
  });

  test('a done task that never called', async () => {
    expect(await brokenBy()).toEqual([
      'done, and never called outside',
      'done under another receipt than the receiver gave',
    ]);
  });

  test('a call for a task that nobody accepted', async () => {
    expect(await brokenBy(call(`${id}:probe`), call('0198c1f4-0000-7000-8000-000000000000:probe'))).toEqual([
      'called outside, and no accepted task or no intent of it',
    ]);
  });

  test('a call without its intent in the ledger', async () => {
    await ledger.rows(`update holdfast.task set payload = '{"runMs": 0}'`);
    await ledger.rows('delete from holdfast.external_effect');
    expect(await brokenBy(call(`${id}:probe`))).toEqual(['called outside, and no accepted task or no intent of it']);
  });

  test('two keys of one task', async () => {
    expect(await brokenBy(call(`${id}:probe`), call(`${id}:probe-again`, 'effect 2'))).toContain(
      'more than one key at the receiver',
    );
  });

  test('a second call where a person was to decide', async () => {
    const parked = call(`${await done('park', 'effect 2')}:probe`, 'effect 2');
    expect(await brokenBy(call(`${id}:probe`), parked)).toEqual([]);
    expect(await brokenBy(call(`${id}:probe`), parked, parked)).toEqual([
      'called outside again, although it was to be parked',
    ]);
  });

  test('a receipt that the receiver did not give', async () => {
    expect(await brokenBy(call(`${id}:probe`, 'effect 3'))).toEqual([
      'done under another receipt than the receiver gave',
    ]);
  });
});
