import { minutely, scheduleFixture } from '../support/schedule-fixture';
import type { ScheduleFixture } from '../support/schedule-fixture';

/** Lets the database's clock go from one moment to the other in steps of half an hour, with a look at each. */
async function live(fixture: ScheduleFixture, zone: string, from: string, hours: number): Promise<void> {
  const schedules = ['30 1 * * *', '30 2 * * *', '*/30 * * * *'].map((cron, i) =>
    minutely(`s${i}`, { timing: { cron, zone } }),
  );
  const begin = Date.parse(from);
  const { settle } = fixture.scheduler(...schedules);
  for (let minutes = 0; minutes <= hours * 60; minutes += 30) {
    await fixture.setClock(new Date(begin + minutes * 60_000));
    await settle();
  }
}

describe('when the clocks change', () => {
  let fixture: ScheduleFixture;
  beforeEach(async () => {
    fixture = await scheduleFixture();
  });
  afterEach(() => fixture.drop());

  it.each([
    ['Europe/Berlin', 'spring', '2026-03-28T22:00:00Z', ['2026-03-29T00:30'], ['2026-03-29T01:00']],
    ['Europe/Berlin', 'autumn', '2026-10-24T22:00:00Z', ['2026-10-24T23:30'], ['2026-10-25T00:30']],
    ['America/New_York', 'spring', '2026-03-08T05:00:00Z', ['2026-03-08T06:30'], ['2026-03-08T07:00']],
    ['America/New_York', 'autumn', '2026-11-01T04:00:00Z', ['2026-11-01T05:30'], ['2026-11-01T07:30']],
  ])('in %s in %s, ticks come as the zone says, none twice', async (zone, _, from, halfPastOne, halfPastTwo) => {
    await live(fixture, zone, from, 6);
    const short = async (name: string) => (await fixture.ticks(name)).map((tick) => tick.slice(0, 16));
    expect(await short('s0')).toEqual(halfPastOne);
    expect(await short('s1')).toEqual(halfPastTwo);
    // Every half an hour goes on in real time, through the hour that is skipped or repeated.
    expect(await fixture.ticks('s2')).toEqual(
      Array.from({ length: 12 }, (_, i) => new Date(Date.parse(from) + (i + 1) * 1_800_000).toISOString()),
    );
  });

  it('ticks of a zone are the same for a scheduler that was down over the change', async () => {
    const nightly = minutely('a', { catchUp: 'all', timing: { cron: '30 2 * * *', zone: 'Europe/Berlin' } });
    await fixture.setClock('2026-10-23T12:00:00Z');
    await fixture.scheduler(nightly).settle();
    await fixture.setClock('2026-10-26T12:00:00Z');
    await fixture.scheduler(nightly).settle();
    expect(await fixture.ticks('a')).toEqual([
      ...['2026-10-24T00:30:00.000Z', '2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'],
    ]);
  });

  it('the 29th of February ticks in a leap year', async () => {
    const leap = minutely('a', { timing: { cron: '0 12 29 2 *', zone: 'Europe/Berlin' } });
    const { settle } = fixture.scheduler(leap);
    for (const day of ['2027-02-28', '2027-03-01', '2028-02-28', '2028-02-29', '2028-03-01']) {
      await fixture.setClock(`${day}T11:00:00Z`);
      await settle();
    }
    expect(await fixture.ticks('a')).toEqual(['2028-02-29T11:00:00.000Z']);
  });
});
