import { probe } from '../../../app/src/probes/probe.task';
import type { Tasks } from '../../../app/src/tasks';
import type { LedgerView } from './ledger-view';
import { openProbeLedger } from './probe-ledger';
import type { ProbeLedger } from './probe-ledger';
import { brokenPromises, countEnds } from './verdict';

describe('what is said of probes that leave no effect', () => {
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
    await ledger.rows('delete from app.probe_effect');
    id = await done('result');
  });

  /** A probe that its second claim has done, as the first was given back. @returns its id */
  async function done(leaves: 'result' | 'nothing'): Promise<string> {
    const accepted = await tasks.accept(probe, { runMs: 0, failTimes: 0, leaves });
    const result = leaves === 'result' ? { taskId: accepted.id, fence: 2 } : null;
    await ledger.rows(
      `update holdfast.task set state = 'done', finished_at = now(), fence = 2, attempts = 1, result = $2 where uuid = $1`,
      [accepted.id, result],
    );
    return accepted.id;
  }

  async function broken(told: readonly string[] = [id]): Promise<string[]> {
    const { sentences } = await brokenPromises(ledger, told, new Map(), { calls: [], underWay: false });
    return sentences.map((sentence) => sentence.split(':')[0]!);
  }

  function set(assignment: string): Promise<unknown> {
    return ledger.rows(`update holdfast.task set ${assignment} where uuid = $1`, [id]);
  }

  test('nothing is broken by one that is done, and it counts apart from effects', async () => {
    const nothing = await done('nothing');
    expect(await broken([id, nothing])).toEqual([]);
    expect(await countEnds(ledger)).toEqual({ done: 2, withoutEffect: 2, otherwise: 0, effects: 0 });
  });

  test('one that is lost', async () => {
    await ledger.rows('delete from holdfast.task');
    expect(await broken()).toEqual(['acknowledged, and not in the ledger', 'acknowledged probes without effect']);
  });

  test('one that is not done', async () => {
    await set(`state = 'dead', dead_reason = 'attempts-exhausted'`);
    expect(await broken()).toEqual(['accepted, and not done']);
  });

  test.each([
    ['of an earlier run', `result = jsonb_set(result, '{fence}', '1')`],
    ['of another task', `result = jsonb_set(result, '{taskId}', '"another"')`],
    ['that is missing', 'result = null'],
  ])('a result %s', async (_, assignment) => {
    await set(assignment);
    expect(await broken()).toEqual(['done with another result than that of the last run']);
  });

  test('one that was begun again after it had been done', async () => {
    await set('attempts = 2');
    expect(await broken()).toEqual(['done without an effect, and begun again although it had not failed']);
    await ledger.rows(
      `insert into holdfast.attempt (task_id, fence, attempt, worker_id, started_at, error)
       select id, 1, 1, gen_random_uuid(), now(), 'failed' from holdfast.task where uuid = $1`,
      [id],
    );
    expect(await broken()).toEqual([]);
  });

  test('an effect that was not to be', async () => {
    await ledger.rows(
      'insert into app.probe_effect (task_id, attempt, fence, at) values ($1, 1, 2, clock_timestamp())',
      [id],
    );
    expect(await broken()).toEqual(['an effect of a probe that is to leave none']);
  });
});
