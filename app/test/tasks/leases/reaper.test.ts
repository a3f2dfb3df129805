import { randomUUID } from 'node:crypto';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import { Reaper } from '../../../src/tasks/leases/reaper';
import { monotonicMs } from '../../../src/tasks/pause';
import { connectionRefused } from '../support/disturbed-ledger';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { CLAIM, LEASE } from '../support/statements';
import { queueTasks, taskRow, workerRow } from '../support/task-rows';
import { until } from '../support/until';
import { workerParts } from '../support/worker-parts';
import type { TestParts } from '../support/worker-parts';

const LEASE_SECONDS = 1;
const LEASE_MS = LEASE_SECONDS * 1000;

/** Before all others: this reaper sweeps. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

let fixture: LedgerFixture;
let parts: TestParts;
let reaper: Reaper;
let silent: string;

/** A reaper that does not yet look, and a worker that sends no heartbeats. */
beforeEach(async () => {
  fixture = await ledgerFixture();
  parts = workerParts(fixture.url, { leaseSeconds: LEASE_SECONDS });
  reaper = new Reaper({ ...parts, ledger: parts.control, workerId: () => FIRST_ID });
  silent = await workerRow(fixture);
});
afterEach(async () => {
  await reaper.stop();
  await parts.close();
  await fixture.drop();
});

async function isExpired(workerId: string): Promise<boolean> {
  const rows = await fixture.rows('select from holdfast.worker where id = $1 and expired_at is not null', [workerId]);
  return rows.length === 1;
}

/** A task that this worker has claimed. */
async function claimed(workerId: string, fields: Parameters<typeof queueTasks>[2] = {}): Promise<string> {
  const [id] = await queueTasks(fixture, 1, fields);
  const tasks = await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(workerId, [id!]);
  expect(tasks).toHaveLength(1);
  return id!;
}

/** As if workers had been lost under it before, so often that it runs alone. */
async function alreadySuspect(id: string, crashes = 2): Promise<void> {
  await fixture.pool.query('update holdfast.task set crashes = $2 where id = $1', [id, crashes]);
}

/** Resolves when the reaper has looked again from start to end. */
async function oneMoreLook(): Promise<void> {
  const before = parts.control.answered(LEASE.beats);
  await until('the reaper has looked again', () => parts.control.answered(LEASE.beats) >= before + 2);
}

it('expires a worker only after it has itself seen the same heartbeat for a full lease', async () => {
  const id = await claimed(silent);
  // However old the heartbeat is by anybody's wall clock.
  await fixture.pool.query(`update holdfast.worker set heartbeat_at = now() - interval '1 day'`);
  const beganMs = monotonicMs();
  reaper.start();
  await until('the worker is expired', () => isExpired(silent));
  expect(monotonicMs() - beganMs).toBeGreaterThanOrEqual(LEASE_MS);

  await until('its task is queued', async () => (await taskRow(fixture, id)).state === 'queued');
  expect(await taskRow(fixture, id)).toMatchObject({ fence: 1, attempts: 0, crashes: 1, worker_id: null });
  expect(await fixture.rows('select task_id, fence, attempt, worker_id from holdfast.attempt')).toEqual([
    { task_id: id, fence: 1, attempt: 1, worker_id: silent },
  ]);
  await until('its claim is forgotten', async () => (await fixture.rows('select from holdfast.claim')).length === 0);
  expect(parts.counters.reaped).toBe(1);
});

it('leaves a worker alone that sends heartbeats, and its tasks with it', async () => {
  const id = await claimed(silent);
  reaper.start();
  const endMs = monotonicMs() + LEASE_MS * 1.5;
  await until('more than a lease is over', async () => {
    await fixture.pool.query('update holdfast.worker set beat = beat + 1');
    return monotonicMs() > endMs;
  });
  expect(await isExpired(silent)).toBe(false);
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'running', worker_id: silent });
});

it.each([
  ['a single look', 0],
  ['longer than the lease', 1.2],
])('an outage of PostgreSQL for %s is nobody’s silence: what was seen before it does not count', async (_, leases) => {
  reaper.start();
  await oneMoreLook();
  const looks = parts.control.count(LEASE.beats);
  parts.control.before(LEASE.beats, connectionRefused);
  const outageMs = monotonicMs();
  await until('the outage was noticed', () => parts.control.count(LEASE.beats) > looks);
  await until('the outage is long enough', () => monotonicMs() >= outageMs + LEASE_MS * leases);
  const healedMs = monotonicMs();
  parts.control.heal();
  await until('the worker is expired', () => isExpired(silent));
  expect(monotonicMs() - healedMs).toBeGreaterThanOrEqual(LEASE_MS);
});

it('a reaper that was itself frozen has seen nothing meanwhile', async () => {
  reaper.start();
  await oneMoreLook();
  const frozen = gate();
  const thawed = gate();
  parts.control.before(LEASE.beats, () => {
    frozen.open();
    return thawed.opened;
  });
  await frozen.opened;
  const frozenMs = monotonicMs();
  await until('it was frozen for more than a lease', () => monotonicMs() > frozenMs + LEASE_MS * 1.2);
  parts.control.heal();
  const thawedMs = monotonicMs();
  thawed.open();
  await until('the worker is expired', () => isExpired(silent));
  expect(monotonicMs() - thawedMs).toBeGreaterThanOrEqual(LEASE_MS);
});

it('a heartbeat between the look and the expiry keeps the worker alive', async () => {
  const id = await claimed(silent);
  const late = gate();
  parts.control.before(LEASE.expire, async () => {
    if (parts.control.count(LEASE.expire) > 1) return;
    await fixture.pool.query('update holdfast.worker set beat = beat + 1 where id = $1', [silent]);
  });
  parts.control.after(LEASE.expire, () => late.open());
  reaper.start();
  await late.opened;
  expect(await isExpired(silent)).toBe(false);
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'running', fence: 1, worker_id: silent });
});

it('finds a claim that was committed after its worker had been expired and reaped', async () => {
  const [id] = await queueTasks(fixture, 1);
  const late = await fixture.connect();
  await late.query('begin');
  const claim = await late.query(CLAIM.by_id, [silent, ['probe@1'], [id], ['default']]);
  expect(claim.rowCount).toBe(1);
  await fixture.pool.query('update holdfast.worker set expired_at = now()');
  reaper.start();
  await oneMoreLook();
  expect(await taskRow(fixture, id!)).toMatchObject({ state: 'queued', fence: 0 });

  await late.query('commit');
  await until('it is taken back', async () => (await taskRow(fixture, id!)).state === 'queued');
  expect(await taskRow(fixture, id!)).toMatchObject({ fence: 1, attempts: 0 });
});

it('finds a running task whose worker the ledger has never heard of', async () => {
  const id = await claimed(silent);
  const unknown = randomUUID();
  await fixture.pool.query('update holdfast.task set worker_id = $1', [unknown]);
  await fixture.pool.query('update holdfast.claim set worker_id = $1', [unknown]);
  reaper.start();
  await until('it is taken back', async () => (await taskRow(fixture, id)).state === 'queued');
});

it('a task that ran alone when workers were lost until its budget was spent is dead, with that reason', async () => {
  const id = await claimed(silent, { attempts: 1 });
  await alreadySuspect(id);
  await fixture.pool.query('update holdfast.worker set expired_at = now()');
  reaper.start();
  await until('it is taken back', async () => (await taskRow(fixture, id)).state !== 'running');
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'dead', dead_reason: 'worker-lost', attempts: 1 });
  await oneMoreLook();
  expect(parts.logger.saying('task is dead')).toHaveLength(1);
});

it('of the losses of its workers only those of a task that ran alone count, and the third of them ends it', async () => {
  const id = await claimed(silent, { attempts: 100 });
  const expected = [
    { state: 'queued', attempts: 0, crashes: 1 },
    { state: 'queued', attempts: 0, crashes: 2 },
    { state: 'queued', attempts: 1, crashes: 3 },
    { state: 'queued', attempts: 2, crashes: 4 },
    { state: 'dead', attempts: 3, crashes: 5, dead_reason: 'worker-lost' },
  ];
  const claimer = new Claimer(parts.ledger, ['probe@1'], ['default']);
  reaper.start();
  for (const [losses, row] of expected.entries()) {
    if (losses > 0) {
      const next = await workerRow(fixture);
      const [task] = losses > 1 ? [await claimer.suspect(next)] : await claimer.byId(next, [id]);
      expect(task).toMatchObject({ id, suspect: losses > 1 });
    }
    await fixture.pool.query('update holdfast.worker set expired_at = now()');
    await until('it is taken back', async () => (await taskRow(fixture, id)).state !== 'running');
    expect(await taskRow(fixture, id)).toMatchObject(row);
  }
  // It is shown with the time at which it was due, although it was out of its lane.
  expect(await fixture.rows(`select from holdfast.task where run_at <= now() and resume_at is null`)).toHaveLength(1);
});

it('reports what it took back although PostgreSQL went away right after', async () => {
  const id = await claimed(silent, { attempts: 1 });
  await alreadySuspect(id);
  await fixture.pool.query('update holdfast.worker set expired_at = now()');
  parts.control.before(LEASE.forget_claims, connectionRefused);
  reaper.start();
  await until('its claim was not forgotten twice', () => parts.control.count(LEASE.forget_claims) >= 2);
  expect(await taskRow(fixture, id)).toMatchObject({ state: 'dead' });
  expect(parts.logger.saying('task is dead')).toHaveLength(1);
});

it('expires silent workers although its look at overdue attempts hangs', async () => {
  const over = gate();
  parts.control.before(LEASE.overdue, () => over.opened);
  reaper.start();
  await until('the worker is expired', () => isExpired(silent));
  over.open();
});

describe('a running task that no claim names', () => {
  /** Nothing must ever do this. */
  async function forgetClaims(): Promise<void> {
    await fixture.pool.query('delete from holdfast.claim');
  }
  async function pastItsTimeLimit(): Promise<void> {
    await fixture.pool.query(`update holdfast.task set started_at = now() - interval '3 minutes'`);
  }

  it('is taken back when its worker does not live', async () => {
    const id = await claimed(silent);
    await fixture.pool.query('update holdfast.worker set expired_at = now()');
    await forgetClaims();
    reaper.start();
    await until('it is taken back', async () => (await taskRow(fixture, id)).state === 'queued');
    expect(await taskRow(fixture, id)).toMatchObject({ fence: 1, attempts: 0, worker_id: null });
    expect(await fixture.rows('select task_id, fence from holdfast.attempt')).toEqual([{ task_id: id, fence: 1 }]);
  });

  it('is taken back when its worker lives but its time limit is long over, and before that it is left alone', async () => {
    const [late, timely] = [await claimed(silent), await claimed(silent)];
    await forgetClaims();
    await fixture.pool.query(`update holdfast.task set started_at = now() - interval '3 minutes' where id = $1`, [
      late,
    ]);
    reaper.start();
    await until('it is taken back', async () => (await taskRow(fixture, late)).state === 'queued');
    expect(await taskRow(fixture, timely)).toMatchObject({ state: 'running', fence: 1 });
  });

  it('is left alone when it was claimed again between the look and the taking', async () => {
    const id = await claimed(silent);
    await pastItsTimeLimit();
    await forgetClaims();
    const over = gate();
    parts.control.before(LEASE.take_unclaimed, async () => {
      await fixture.pool.query(`update holdfast.task set state = 'queued', worker_id = null`);
      await new Claimer(parts.ledger, ['probe@1'], ['default']).byId(silent, [id]);
      // As late as it would be if only the fence could tell.
      await pastItsTimeLimit();
      await forgetClaims();
    });
    parts.control.after(LEASE.take_unclaimed, () => over.open());
    reaper.start();
    await over.opened;
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'running', fence: 2, worker_id: silent });
  });

  it('is left alone when its end holds the row', async () => {
    const id = await claimed(silent);
    await pastItsTimeLimit();
    await forgetClaims();
    const ending = await fixture.connect();
    await ending.query('begin');
    await ending.query(`update holdfast.task set state = 'done', finished_at = now() where id = $1`, [id]);
    const over = gate();
    parts.control.after(LEASE.take_unclaimed, () => over.open());
    reaper.start();
    await over.opened;
    await ending.query('commit');
    expect(await taskRow(fixture, id)).toMatchObject({ state: 'done', fence: 1 });
  });

  it('is looked for in a bounded number of rows, whatever the backlog and whatever has been done', async () => {
    const { sql, values } = { sql: LEASE.unclaimed, values: ['', 0, '-infinity', '0', 500] };
    await queueTasks(fixture, 20_000);
    await queueTasks(fixture, 5_000, { queue: 'other' });
    await fixture.pool.query(`update holdfast.task set state = 'done', finished_at = now() where queue = 'other'`);
    const client = await fixture.connect();
    await client.query(
      `select set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false)`,
    );
    for (const prepare of ['select', 'analyze holdfast.task']) {
      await client.query(prepare);
      const plan = await client.query<{ 'QUERY PLAN': string }>(`explain (analyze, timing off) ${sql}`, values);
      const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(text).toMatch(/Index Scan using task_due on task t .*\(actual rows=500(\.00)? /);
      const [row] = (await client.query<{ looked: number; ids: string }>(sql, values)).rows;
      expect(row).toMatchObject({ looked: 500, ids: '{}' });
    }
  });
});
