import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM } from '../support/statements';
import { queueTasks, workerRow } from '../support/task-rows';
import { until } from '../support/until';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const QUEUED = 200_000;
const FREE_SLOTS = 50;

let fixture: LedgerFixture;
let worker: string;

beforeAll(async () => {
  fixture = await ledgerFixture();
  await fixture.pool.query('alter table holdfast.task set (autovacuum_enabled = off)');
  worker = await workerRow(fixture);
});
afterAll(() => fixture.drop());

/** Rows of the task table that the plan has looked at, also those that it then dropped. */
function rowsRead(node: PlanNode): number {
  const own =
    node['Relation Name'] === 'task' && node['Node Type'].includes('Scan')
      ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
      : 0;
  return own + (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), 0);
}

/** Runs the engine's statement for all four lanes, from a plan made for these values or for any, and rolls back. */
async function explainOldest(planFor: 'force_custom_plan' | 'force_generic_plan'): Promise<PlanNode> {
  const client = await fixture.connect();
  await client.query(`set plan_cache_mode = ${planFor}`);
  await client.query(`prepare oldest (uuid, text[], text[], smallint[], bigint) as ${CLAIM.oldest}`);
  await client.query('begin');
  const lanes = `'{default,default,default,default}', '{0,1,2,3}'`;
  const answer = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (analyze, format json) execute oldest ('${worker}', '{probe@1,other@1}', ${lanes}, ${FREE_SLOTS})`,
  );
  const claimed = await client.query(`select from holdfast.task where state = 'running'`);
  expect(claimed.rowCount).toBe(FREE_SLOTS);
  await client.query('rollback');
  return answer.rows[0]!['QUERY PLAN'][0].Plan;
}

describe(`with ${QUEUED} tasks queued`, () => {
  beforeAll(async () => {
    await queueTasks(fixture, QUEUED);
  });

  describe.each(['before statistics were ever gathered', 'with statistics'])('%s', (when) => {
    beforeAll(async () => {
      if (when === 'with statistics') await fixture.pool.query('analyze holdfast.task');
    });

    it.each(['force_custom_plan', 'force_generic_plan'] as const)(
      'claiming the oldest reads no more rows than it needs (%s)',
      async (planFor) => {
        const read = rowsRead(await explainOldest(planFor));
        // Each claimed row is read once to lock it and once to update it.
        expect(read).toBeGreaterThanOrEqual(FREE_SLOTS);
        expect(read).toBeLessThanOrEqual(FREE_SLOTS * 4);
      },
    );
  });

  it('claims are heap-only updates: no index grows with them', async () => {
    const ledger = new Ledger({ connectionString: fixture.url, max: 1 }, 15, recordingLogger());
    const claimer = new Claimer(ledger, ['probe@1'], ['default']);
    const updates = async (): Promise<{ all: number; heapOnly: number }> => {
      const [row] = await fixture.rows<{ all: number; heapOnly: number }>(
        `select n_tup_upd::integer as all, n_tup_hot_upd::integer as "heapOnly"
         from pg_stat_user_tables where relname = 'task'`,
      );
      return row!;
    };
    // Tasks of their own: the pages of the oldest ones are full of what the rolled back claims above left behind.
    await queueTasks(fixture, 200, { priority: 2 });
    const before = await updates();
    let claimed = 0;
    for (let claim = 0; claim < 40; claim += 1) {
      claimed += (await claimer.oldest(worker, [{ queue: 'default', priority: 2 }], 5)).length;
    }
    expect(claimed).toBe(200);
    // Sessions hand their numbers in when they end.
    await ledger.close();
    const after = await until('the claims are counted', async () => {
      const now = await updates();
      return now.all - before.all >= claimed && now;
    });
    expect((after.heapOnly - before.heapOnly) / (after.all - before.all)).toBeGreaterThan(0.9);
  });
});
