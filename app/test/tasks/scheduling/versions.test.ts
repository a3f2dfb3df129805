import { join } from 'node:path';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { ScheduleList } from '../../../src/tasks/scheduling/schedule-list';
import { SCHEDULE_STATEMENTS } from '../../../src/tasks/scheduling/schedule-row';
import { gate } from '../support/gate';
import { minutely, scheduleFixture } from '../support/schedule-fixture';
import type { ScheduleFixture } from '../support/schedule-fixture';

const SQL = loadStatements(join(__dirname, '../../../src/tasks/scheduling'), 'schedule.sql', SCHEDULE_STATEMENTS);
const minute = (n: number) => `2026-06-01T12:0${n}:00.000Z`;

describe('versions of a schedule', () => {
  let fixture: ScheduleFixture;
  const list = () => new ScheduleList(fixture.scheduler().parts.ledger).read();
  beforeEach(async () => {
    fixture = await scheduleFixture();
    await fixture.setClock('2026-06-01T12:00:30Z');
  });
  afterEach(() => fixture.drop());

  it('a higher one takes over, and a scheduler of a lower one does not write any more', async () => {
    const old = fixture.scheduler(minutely('a', { payload: () => ({ of: 'old' }) }));
    await old.settle();
    const every = { every: 120 };
    const recent = fixture.scheduler(minutely('a', { version: 2, timing: every, payload: () => ({ of: 'new' }) }));
    await recent.settle();
    await fixture.setClock(minute(1));
    await old.settle();
    await recent.settle();
    expect(await fixture.ticks('a')).toEqual([]);
    await fixture.setClock(minute(2));
    await old.settle();
    expect(await fixture.accepted()).toEqual([]);
    await recent.settle();
    expect(await fixture.accepted()).toEqual(['new']);
    expect(old.parts.logger.saying('a newer version')).toMatchObject([{ fields: { version: 1, newer: 2 } }]);
    expect((await list())[0]).toMatchObject({ version: 2, every: 120, nextAt: new Date(minute(4)) });
  });

  it('what was missed until it takes over ticks as the lower one said, and nothing as the higher one would have', async () => {
    await fixture.scheduler(minutely('a', { catchUp: 'all', timing: { every: 120 } })).settle();
    await fixture.setClock('2026-06-01T12:05:30Z');
    const next = fixture.scheduler(minutely('a', { catchUp: 'all', version: 2 }));
    await next.settle();
    expect(await fixture.ticks('a')).toEqual([minute(2), minute(4)]);
    await fixture.setClock(minute(6));
    await next.settle();
    expect(await fixture.ticks('a')).toEqual([minute(2), minute(4), minute(6)]);
  });

  it('two that take over at once do it once', async () => {
    await fixture.scheduler(minutely('a', { catchUp: 'all' })).settle();
    await fixture.setClock(minute(3));
    const both = [1, 2].map(() =>
      fixture.scheduler(minutely('a', { catchUp: 'all', version: 2, timing: { every: 180 } })),
    );
    await Promise.all(both.map(({ settle }) => settle()));
    expect(await fixture.accepted()).toEqual([1, 2, 3].map(minute));
  });

  it('a lower one that read the schedule before the take-over and settles after it writes nothing', async () => {
    // The timing stays, and with it the watermark: the version alone tells that the schedule is another's by now.
    const old = fixture.scheduler(minutely('a', { payload: () => ({ of: 'old' }) }));
    await old.settle();
    const recent = fixture.scheduler(minutely('a', { version: 2, payload: () => ({ of: 'new' }) }));
    await fixture.setClock(minute(1));
    const [seen, goOn] = [gate(), gate()];
    old.parts.ledger.after(SQL.known, () => {
      seen.open();
      return goOn.opened;
    });
    const look = old.scheduler.look();
    await seen.opened;
    // The clock goes back, as after a failover: nothing is due when the other one takes over.
    await fixture.setClock('2026-06-01T12:00:45Z');
    await recent.settle();
    const [taken] = await list();
    expect(taken).toMatchObject({ version: 2, nextAt: new Date(minute(1)) });
    await fixture.setClock(minute(1));
    goOn.open();
    await look;
    expect((await list())[0]).toEqual(taken);
    expect(await fixture.accepted()).toEqual([]);
    await recent.settle();
    expect(await fixture.accepted()).toEqual(['new']);
  });

  it('a timing that changed without a higher one has no effect, and is complained of once', async () => {
    await fixture.scheduler(minutely('a')).settle();
    const changed = fixture.scheduler(minutely('a', { timing: { every: 3600 } }));
    await changed.settle();
    await fixture.setClock(minute(1));
    await changed.scheduler.look();
    await changed.scheduler.look();
    expect(await fixture.ticks('a')).toEqual([minute(1)]);
    expect(changed.parts.logger.saying('without a higher version').length).toBeGreaterThan(0);
    expect((await list())[0]).toMatchObject({ version: 1, every: 60 });
  });
});

describe('a schedule that left the code', () => {
  let fixture: ScheduleFixture;
  beforeEach(async () => {
    fixture = await scheduleFixture();
    await fixture.setClock('2026-06-01T12:00:30Z');
    await fixture.scheduler(minutely('a', { catchUp: 'all' }), minutely('b')).settle();
  });
  afterEach(() => fixture.drop());

  it('is listed as such and does not run', async () => {
    const without = fixture.scheduler(minutely('b'));
    await fixture.setClock(minute(1));
    await without.settle();
    expect(await fixture.ticks('a')).toEqual([]);
    expect(await fixture.ticks('b')).toEqual([minute(1)]);
    const statuses = await new ScheduleList(without.parts.ledger).read();
    expect(statuses.map(({ name, leftAt, nextAt }) => ({ name, leftAt, nextAt }))).toEqual([
      { name: 'a', leftAt: new Date(minute(1)), nextAt: null },
      { name: 'b', leftAt: null, nextAt: new Date(minute(2)) },
    ]);
    expect(without.parts.logger.saying('left the code')).toMatchObject([{ fields: { schedule: 'a' } }]);
  });

  it('and comes back catches nothing up from meanwhile', async () => {
    await fixture.scheduler(minutely('b')).settle();
    await fixture.setClock('2026-06-01T12:05:30Z');
    const back = fixture.scheduler(minutely('a', { catchUp: 'all' }), minutely('b'));
    await back.settle();
    expect(await fixture.ticks('a')).toEqual([]);
    await fixture.setClock(minute(6));
    await back.settle();
    expect(await fixture.ticks('a')).toEqual([minute(6)]);
  });

  it('but only because an older build started beside this one misses no tick', async () => {
    const recent = fixture.scheduler(minutely('a', { catchUp: 'all' }), minutely('b'));
    await fixture.scheduler(minutely('b')).settle();
    await fixture.setClock(minute(1));
    await recent.settle();
    expect(await fixture.ticks('a')).toEqual([minute(1)]);
    expect((await new ScheduleList(recent.parts.ledger).read())[0]).toMatchObject({ name: 'a', leftAt: null });
  });
});
