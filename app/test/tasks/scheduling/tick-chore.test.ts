import { tickChore } from '../../../src/tasks/scheduling/tick-chore';
import { minutely, scheduleFixture } from '../support/schedule-fixture';
import type { ScheduleFixture } from '../support/schedule-fixture';

describe('old ticks', () => {
  let fixture: ScheduleFixture;
  beforeEach(async () => {
    fixture = await scheduleFixture();
  });
  afterEach(() => fixture.drop());

  it('are forgotten after seven days, but never the last of a schedule, and never come again', async () => {
    const { settle, parts } = fixture.scheduler(minutely('busy'), minutely('yearly'));
    await settle();
    const insert = (name: string, ages: readonly number[]) =>
      fixture.rows(
        `insert into holdfast.schedule_tick (schedule, tick_at, task_id, accepted_at)
         select $1, at, gen_random_uuid(), at from (select now() - make_interval(hours => a) as at from unnest($2::int[]) a) x`,
        [name, ages],
      );
    await insert('busy', [1, 100, 167, 169, 200, 300]);
    await insert('yearly', [5000, 9000]);
    const chore = tickChore();
    expect(await parts.acceptor.transaction((tx) => chore.step(tx))).toEqual({ more: false });
    const kept = await fixture.rows<{ schedule: string; hours: number }>(
      `select schedule, round(extract(epoch from now() - tick_at) / 3600)::int as hours
       from holdfast.schedule_tick order by schedule, tick_at desc`,
    );
    expect(kept).toEqual([
      ...[1, 100, 167].map((hours) => ({ schedule: 'busy', hours })),
      { schedule: 'yearly', hours: 5000 },
    ]);
  });

  it('are forgotten in steps of 2,000', async () => {
    const { settle, parts } = fixture.scheduler(minutely('busy'));
    await settle();
    await fixture.rows(
      `insert into holdfast.schedule_tick (schedule, tick_at, task_id, accepted_at)
       select 'busy', at, gen_random_uuid(), at
       from (select now() - interval '30 days' + make_interval(secs => n) as at from generate_series(1, 2500) n) x`,
    );
    const chore = tickChore();
    const step = () => parts.acceptor.transaction((tx) => chore.step(tx));
    expect([await step(), await step()]).toEqual([{ more: true }, { more: false }]);
    expect(await fixture.rows('select from holdfast.schedule_tick')).toHaveLength(1);
  });
});
