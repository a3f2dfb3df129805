import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { SCHEDULE_STATEMENTS } from '../../../src/tasks/scheduling/schedule-row';
import { gate } from '../support/gate';
import { minutely, scheduleFixture } from '../support/schedule-fixture';
import type { ScheduleFixture } from '../support/schedule-fixture';
import { until } from '../support/until';

const SQL = loadStatements(join(__dirname, '../../../src/tasks/scheduling'), 'schedule.sql', SCHEDULE_STATEMENTS);
const TICK = '2026-06-01T12:01:00.000Z';

/** Sessions that wait for a lock on this table. */
const waiting = async (fixture: ScheduleFixture, table: string): Promise<number> =>
  (await fixture.rows(`select from pg_locks where not granted and relation = $1::regclass`, [table])).length;

describe('each tick is accepted once', () => {
  let fixture: ScheduleFixture;
  beforeEach(async () => {
    fixture = await scheduleFixture();
    await fixture.setClock('2026-06-01T12:00:30Z');
  });
  afterEach(() => fixture.drop());

  it('when two schedulers have both seen that it is due', async () => {
    const both = [fixture.scheduler(minutely('a')), fixture.scheduler(minutely('a'))];
    await both[0]!.settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    const seen = gate();
    let looking = 0;
    for (const { parts } of both) {
      parts.ledger.after(SQL.known, () => {
        looking += 1;
        return seen.opened;
      });
    }
    const looks = both.map(({ scheduler }) => scheduler.look());
    await until('both have seen it', () => looking === 2);
    seen.open();
    await Promise.all(looks);
    expect(await fixture.ticks('a')).toEqual([TICK]);
    expect(await fixture.accepted()).toEqual([TICK]);
  });

  it('and while one is accepting it, the other neither waits nor writes', async () => {
    const [first, second] = [fixture.scheduler(minutely('a')), fixture.scheduler(minutely('a'))];
    await first.settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    const blocker = await fixture.connect();
    await blocker.query('begin');
    await blocker.query('lock table holdfast.schedule_tick in share mode');
    const look = first.scheduler.look();
    await until('the first is accepting', async () => (await waiting(fixture, 'holdfast.schedule_tick')) === 1);
    await second.scheduler.look();
    expect(await waiting(fixture, 'holdfast.schedule_tick')).toBe(1);
    await blocker.query('commit');
    await look;
    await second.settle();
    expect(await fixture.accepted()).toEqual([TICK]);
  });

  it('when a scheduler goes on with what it saw before another one accepted', async () => {
    const [slow, quick] = [fixture.scheduler(minutely('a')), fixture.scheduler(minutely('a'))];
    await quick.settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    const [seen, goOn] = [gate(), gate()];
    slow.parts.ledger.after(SQL.known, () => {
      seen.open();
      return goOn.opened;
    });
    const look = slow.scheduler.look();
    await seen.opened;
    await quick.settle();
    goOn.open();
    await look;
    expect(await fixture.accepted()).toEqual([TICK]);
  });

  it('even if the watermark were lost: (schedule, tick) is unique', async () => {
    const { settle } = fixture.scheduler(minutely('a', { catchUp: 'all' }));
    await settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    await settle();
    await fixture.rows(
      `update holdfast.schedule set watermark = '2026-06-01T11:59:30Z', next_at = '2026-06-01T12:00:00Z'`,
    );
    await settle();
    expect(await fixture.accepted()).toEqual([TICK, '2026-06-01T12:00:00.000Z']);
  });

  it('when the scheduler is killed between accepting and its commit', async () => {
    await fixture.scheduler(minutely('a')).settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    // The last statement before the commit waits for us.
    const blocker = await fixture.connect();
    await blocker.query('begin');
    await blocker.query('lock table holdfast.schedule in share mode');
    const script = join(__dirname, '..', 'support', 'scheduler-process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, fixture.clockedUrl, 'a'], { stdio: 'inherit' });
    const exit = once(child, 'exit');
    await until(
      'the tick is accepted and not committed',
      async () => (await waiting(fixture, 'holdfast.schedule')) === 1,
    );
    child.kill('SIGKILL');
    await exit;
    await blocker.query('commit');
    await until('PostgreSQL has noticed', async () => {
      const left = await fixture.rows(`select from pg_stat_activity where application_name = 'scheduler to be killed'`);
      return left.length === 0;
    });
    expect(await fixture.accepted()).toEqual([]);
    const { settle } = fixture.scheduler(minutely('a'));
    await settle();
    expect(await fixture.ticks('a')).toEqual([TICK]);
    expect(await fixture.accepted()).toEqual([TICK]);
  });

  it('when the scheduler is killed after its commit', async () => {
    await fixture.scheduler(minutely('a')).settle();
    await fixture.setClock('2026-06-01T12:01:00Z');
    const script = join(__dirname, '..', 'support', 'scheduler-process.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, fixture.clockedUrl, 'a'], { stdio: 'inherit' });
    const exit = once(child, 'exit');
    await until('the tick is there', async () => (await fixture.accepted()).length === 1);
    child.kill('SIGKILL');
    await exit;
    await fixture.scheduler(minutely('a', { catchUp: 'all' })).settle();
    expect(await fixture.accepted()).toEqual([TICK]);
  });
});
