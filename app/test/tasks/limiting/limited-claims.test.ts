import { LimitedClaimer } from '../../../src/tasks/limiting/limited-claimer';
import { QueueSettings } from '../../../src/tasks/limiting/queue-settings';
import { Ledger } from '../../../src/tasks/ledger/ledger';
import { DefinitionError } from '../../../src/tasks';
import { gate } from '../support/gate';
import { ledgerFixture } from '../support/ledger-fixture';
import type { LedgerFixture } from '../support/ledger-fixture';
import { recordingLogger } from '../support/recording-logger';
import { CLAIM, LIMITS } from '../support/statements';
import { queueTasks, taskRows, workerRow } from '../support/task-rows';
import { until } from '../support/until';

const KINDS = ['probe@1'];
const LANES = [0, 1, 2, 3].map((priority) => ({ queue: 'default', priority }));

let fixture: LedgerFixture;
let ledger: Ledger;
let settings: QueueSettings;
let claimer: LimitedClaimer;
let worker: string;

beforeAll(async () => {
  fixture = await ledgerFixture();
  // A claim that waits for a lock fails here instead of being slow.
  ledger = new Ledger({ connectionString: fixture.url, lock_timeout: 200 }, 15, recordingLogger());
  settings = new QueueSettings(ledger);
  claimer = new LimitedClaimer(ledger, KINDS, ['default']);
});
beforeEach(async () => {
  await fixture.pool.query(
    'truncate holdfast.task, holdfast.claim, holdfast.worker, holdfast.queue restart identity cascade',
  );
  worker = await workerRow(fixture);
});
afterAll(async () => {
  await ledger.close();
  await fixture.drop();
});

async function claim(free: number, by = claimer): Promise<string[] | undefined> {
  return (await by.claim(worker, 'default', LANES, free))?.map(({ id }) => id).sort((a, b) => Number(a) - Number(b));
}

async function running(): Promise<number> {
  return (await fixture.rows(`select from holdfast.task where state = 'running'`)).length;
}

describe('maxRunning', () => {
  it('holds however many claim at once: counting without a lock would let each start as many', async () => {
    await settings.limit('default', { maxRunning: 5 });
    const ids = await queueTasks(fixture, 100);
    const ledgers = Array.from(
      { length: 4 },
      () => new Ledger({ connectionString: fixture.url }, 15, recordingLogger()),
    );
    const claimers = ledgers.map((one) => new LimitedClaimer(one, KINDS, ['default']));
    const rounds = Array.from({ length: 40 }, (_, i) => claim(20, claimers[i % 4]));
    const claimed = (await Promise.all(rounds)).flatMap((some) => some ?? []);
    await Promise.all(ledgers.map((one) => one.close()));
    expect(claimed.sort((a, b) => Number(a) - Number(b))).toEqual(ids.slice(0, 5));
    expect(await running()).toBe(5);
  });

  it('counts what the claim before it has just committed, also when it began before that', async () => {
    await settings.limit('default', { maxRunning: 5 });
    await queueTasks(fixture, 10);
    const early = await fixture.connect();
    await early.query('begin');
    await early.query('select 1');
    const holder = await fixture.connect();
    await holder.query('begin');
    await holder.query(LIMITS.lock, ['default']);
    const values = [worker, KINDS, 'default', [0, 1, 2, 3], 4];
    expect((await holder.query(LIMITS.limited, values)).rowCount).toBe(4);

    // Nobody waits for the lock, and nobody counts without it.
    expect(await claim(10)).toBeUndefined();
    expect((await early.query(LIMITS.lock, ['default'])).rowCount).toBe(0);
    await holder.query('commit');
    expect((await early.query(LIMITS.lock, ['default'])).rowCount).toBe(1);
    expect((await early.query(LIMITS.limited, values)).rowCount).toBe(1);
    await early.query('commit');
    expect(await claim(10)).toEqual([]);
    expect(await running()).toBe(5);
  });

  it('makes room with every task that ends, is given back or taken back', async () => {
    await settings.limit('default', { maxRunning: 3 });
    await queueTasks(fixture, 10);
    expect(await claim(10)).toEqual(['1', '2', '3']);
    await fixture.rows(`update holdfast.task set state = 'done', finished_at = now() where id = 1`);
    await fixture.rows(`update holdfast.task set state = 'queued', run_at = now() + interval '1 hour' where id = 2`);
    expect(await claim(10)).toEqual(['4', '5']);
    expect(await claim(10)).toEqual([]);
    expect(await running()).toBe(3);
  });

  it('counts tasks that ordinary claims had started before the limit, and a task of two claims once', async () => {
    await queueTasks(fixture, 10);
    const other = await workerRow(fixture);
    await fixture.rows(`update holdfast.task set state = 'running', worker_id = $1 where id <= 2`, [other]);
    await fixture.rows(`insert into holdfast.claim (worker_id, task_ids) values ($1, '{1,2}'), ($2, '{2}')`, [
      other,
      worker,
    ]);
    await settings.limit('default', { maxRunning: 3 });
    expect(await claim(10)).toEqual(['3']);
    expect(await claim(10)).toEqual([]);
    await settings.limit('default', { maxRunning: 2 });
    expect(await claim(10)).toEqual([]);
    await settings.limit('default', { maxRunning: 4 });
    expect(await claim(10)).toEqual(['4']);
  });

  it('counts what an ordinary claim took that was open as the limit was set once it has committed: nothing more starts', async () => {
    const ids = await queueTasks(fixture, 10);
    const ordinary = await fixture.connect();
    await ordinary.query('begin');
    const values = [worker, KINDS, `{${ids.slice(0, 3).join()}}`, ['default']];
    expect((await ordinary.query(CLAIM.by_id, values)).rowCount).toBe(3);
    await settings.limit('default', { maxRunning: 2 });
    expect(await claim(10)).toEqual(['4', '5']);
    await ordinary.query('commit');
    expect(await running()).toBe(5);
    const done = (id: number) =>
      fixture.rows(`update holdfast.task set state = 'done', finished_at = now() where id <= $1`, [id]);
    expect(await claim(10)).toEqual([]);
    await done(3);
    expect(await claim(10)).toEqual([]);
    await done(4);
    expect(await claim(10)).toEqual(['6']);
  });

  it('takes the oldest first, the urgent ones before, and never more than there are free slots', async () => {
    await settings.limit('default', { maxRunning: 50 });
    const [late] = await queueTasks(fixture, 1, { runInSeconds: -1 });
    const [early] = await queueTasks(fixture, 1, { runInSeconds: -100 });
    const [urgent] = await queueTasks(fixture, 1, { priority: 0 });
    await queueTasks(fixture, 1, { name: 'unknown', priority: 0 });
    await queueTasks(fixture, 1, { runInSeconds: 100, priority: 0 });
    expect(await claim(1)).toEqual([urgent]);
    expect(await claim(1)).toEqual([early]);
    expect(await claim(5)).toEqual([late]);
    expect(await claim(5)).toEqual([]);
  });

  it('survives a claimer that freezes with the lock: the row is free again within seconds, and its claim undone', async () => {
    await settings.limit('default', { maxRunning: 2 });
    await queueTasks(fixture, 2);
    const thaw = gate();
    const locked = gate();
    const frozen = ledger
      .briefly(3_000, async (tx) => {
        await tx.prepared('lock_queue', LIMITS.lock, ['default']);
        await tx.prepared('claim_limited', LIMITS.limited, [worker, KINDS, 'default', [1], 2]);
        locked.open();
        await thaw.opened;
      })
      .catch((error: unknown) => error);
    await locked.opened;
    expect(await claim(2)).toBeUndefined();
    expect(await until('the row is free', () => claim(2), 6)).toEqual(['1', '2']);
    thaw.open();
    expect(await frozen).toBeInstanceOf(Error);
    expect((await taskRows(fixture, ['1', '2'])).map(({ fence }) => fence)).toEqual([1, 1]);
  });
});

it('suspects of a limited queue count like all others, and are taken as far as the limit allows', async () => {
  await queueTasks(fixture, 3);
  await fixture.rows(
    `update holdfast.task set crashes = 2, run_at = 'infinity', resume_at = now() - make_interval(secs => id) where id < 3`,
  );
  await settings.limit('default', { maxRunning: 2 });
  expect(await claimer.closed()).toMatchObject([{ name: 'default', due: true, suspects: true }]);
  expect(await claimer.claimSuspect(worker, 'default')).toMatchObject([{ id: '2', suspect: true }]);
  expect(await claim(10)).toEqual(['3']);
  expect(await claimer.claimSuspect(worker, 'default')).toEqual([]);
  await settings.limit('default', { maxRunning: 3 });
  expect(await claimer.claimSuspect(worker, 'default')).toMatchObject([{ id: '1' }]);
});

describe('rateLimit', () => {
  /** The queue's last starts, so many seconds ago. */
  async function started(...secondsAgo: number[]): Promise<void> {
    await fixture.rows(
      `update holdfast.queue set starts = array(
         select clock_timestamp() - make_interval(secs => ago) from unnest($1::float8[]) with ordinality s (ago, n) order by n)`,
      [secondsAgo],
    );
  }

  it('allows as many starts as the window that ends now has left', async () => {
    await settings.limit('default', { rateLimit: { count: 4, perSeconds: 60 } });
    await queueTasks(fixture, 20);
    await started(100, 61, 59, 30);
    expect(await claim(10)).toEqual(['1', '2']);
    expect(await claim(10)).toEqual([]);
    await started(61, 59, 1, 0);
    expect(await claim(10)).toEqual(['3']);
  });

  it('remembers the last starts only, each no earlier than it was', async () => {
    await settings.limit('default', { rateLimit: { count: 3, perSeconds: 3_600 } });
    await queueTasks(fixture, 20);
    await started(9_000, 8_000, 7_000);
    expect(await claim(2)).toEqual(['1', '2']);
    expect(await claim(2)).toEqual(['3']);
    expect(await claim(2)).toEqual([]);
    const [row] = await fixture.rows<{ starts: Date[] }>('select starts from holdfast.queue');
    const starts = (await taskRows(fixture, ['1', '2', '3'])).map(({ started_at }) => started_at!);
    expect(row!.starts).toHaveLength(3);
    row!.starts.forEach((at, i) => expect(at.getTime()).toBeGreaterThanOrEqual(starts[i]!.getTime()));
  });

  it('notes starts with the claim itself: one that dies over it has started nothing, and nobody counts meanwhile', async () => {
    await settings.limit('default', { rateLimit: { count: 2, perSeconds: 3_600 } });
    await queueTasks(fixture, 10);
    // Interleaving: the first claimer has claimed and is held up as it notes that.
    await fixture.rows(`create function hold_starts() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock(4711); return new; end'`);
    await fixture.rows(`create trigger hold before update on holdfast.queue for each row
      when (new.starts is distinct from old.starts) execute function hold_starts()`);
    const holder = await fixture.connect();
    await holder.query('select pg_advisory_lock(4711)');
    const first = new Ledger({ connectionString: fixture.url }, 15, recordingLogger());
    const dying = claim(10, new LimitedClaimer(first, KINDS, ['default'])).catch((error: unknown) => error);
    const pid = await until('it is held up', async () => {
      const [row] = await fixture.rows<{ pid: number }>(
        `select pid from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      );
      return row?.pid;
    });
    expect(await claim(10)).toBeUndefined();
    expect(await running()).toBe(0);
    await fixture.rows('select pg_terminate_backend($1)', [pid]);
    expect(await dying).toBeInstanceOf(Error);
    await holder.query('select pg_advisory_unlock(4711)');
    await first.close();
    await fixture.rows('drop trigger hold on holdfast.queue');
    expect(await until('the row is free', () => claim(10))).toHaveLength(2);
    expect(await claim(10)).toEqual([]);
    expect(await running()).toBe(2);
  });

  it('goes together with maxRunning: the smaller room counts', async () => {
    await settings.limit('default', { maxRunning: 3, rateLimit: { count: 5, perSeconds: 3_600 } });
    await queueTasks(fixture, 20);
    expect(await claim(10)).toHaveLength(3);
    await fixture.rows(`update holdfast.task set state = 'done', finished_at = now() where state = 'running'`);
    expect(await claim(10)).toHaveLength(2);
    await settings.limit('default', { rateLimit: null });
    expect(await claim(10)).toHaveLength(1);
    // Set anew, the window begins with what was remembered.
    await settings.limit('default', { maxRunning: null, rateLimit: { count: 6, perSeconds: 3_600 } });
    expect(await claim(10)).toHaveLength(1);
  });
});

it('nothing is claimed from a limited queue that is paused, nor by this way from one that is not limited', async () => {
  await queueTasks(fixture, 2);
  await settings.limit('default', { maxRunning: 2 });
  await settings.pause('default');
  expect(await claim(2)).toEqual([]);
  await settings.resume('default');
  expect(await claim(1)).toEqual(['1']);
  await settings.limit('default', { maxRunning: null });
  expect(await claim(1)).toEqual([]);
});

it('says which queues are closed and which of them have something due', async () => {
  expect(await claimer.closed()).toEqual([]);
  await settings.limit('default', { maxRunning: 1 });
  await settings.limit('elsewhere', { maxRunning: 1 });
  expect(await claimer.closed()).toEqual([{ name: 'default', paused: false, due: false, suspects: false }]);
  await queueTasks(fixture, 1, { priority: 3, runInSeconds: -1 });
  expect(await claimer.closed()).toEqual([{ name: 'default', paused: false, due: true, suspects: false }]);
  await settings.pause('default');
  expect(await claimer.closed()).toEqual([{ name: 'default', paused: true, due: false, suspects: false }]);
});

it.each([
  [{}, 'limitQueue: limits is {}; allowed is maxRunning, rateLimit or both; null lifts one'],
  [{ maxRunning: 0 }, 'limitQueue: maxRunning is 0; allowed is a whole number from 1 to 100000, or null for no limit'],
  [{ maxRunning: 1.5 }, /maxRunning is 1.5/],
  [{ maxRunning: NaN }, /maxRunning is NaN/],
  [{ rateLimit: { count: 1_001, perSeconds: 1 } }, /rateLimit.count is 1001; allowed is a whole number from 1 to 1000/],
  [{ rateLimit: { count: 1, perSeconds: 0 } }, /rateLimit.perSeconds is 0; allowed is a number of seconds from 0.1 to/],
])('refuses the limits %p', async (limits, message) => {
  await expect(settings.limit('default', limits)).rejects.toThrow(message);
  await expect(settings.limit('default', limits)).rejects.toThrow(DefinitionError);
});

it('refuses what cannot be the name of a queue', async () => {
  const message = /name is "A b"; allowed is lower-case letters/;
  await expect(settings.limit('A b', { maxRunning: 1 })).rejects.toThrow(message);
  await expect(settings.pause('A b')).rejects.toThrow(message);
  await expect(settings.resume('A b')).rejects.toThrow(message);
});
