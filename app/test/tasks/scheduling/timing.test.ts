import { tickAfter, ticksBetween } from '../../../src/tasks/scheduling/timing';
import type { Timing } from '../../../src/tasks/scheduling/timing';

async function between(timing: Timing, from: string, to: string): Promise<string[]> {
  const ticks = await ticksBetween(timing, new Date(from), new Date(to));
  expect(ticks.newest).toHaveLength(ticks.count);
  return ticks.newest.map((tick) => tick.toISOString().slice(0, 16));
}

const in_ = (zone: string, cron: string): Timing => ({ cron, zone });

describe('ticks', () => {
  it('of an interval are its multiples since 1970, whenever it begins', async () => {
    expect(await between({ every: 900 }, '2026-03-29T00:07:00Z', '2026-03-29T01:00:00Z')).toEqual([
      ...['2026-03-29T00:15', '2026-03-29T00:30', '2026-03-29T00:45', '2026-03-29T01:00'],
    ]);
    expect(tickAfter({ every: 900 }, new Date('2026-03-29T01:00:00Z'))).toEqual(new Date('2026-03-29T01:15:00Z'));
  });

  it('of an interval are counted without being worked out one by one', async () => {
    const ticks = await ticksBetween({ every: 1 }, new Date('1999-01-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z'));
    expect(ticks.count).toBe(852_076_800);
    expect(ticks.newest).toHaveLength(100);
    expect(ticks.newest[99]).toEqual(new Date('2026-01-01T00:00:00Z'));
    expect(ticks.newest[0]).toEqual(new Date('2025-12-31T23:58:21Z'));
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:30']],
    ['America/New_York', '30 2 * * *', '2026-03-07T18:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    [
      'Europe/Berlin',
      '15,45 2 * * *',
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:15', '2026-03-30T00:45'],
    ],
    ['Europe/Berlin', '0 2,3 * * *', '2026-03-28T12:00Z', ['2026-03-29T01:00', '2026-03-30T00:00', '2026-03-30T01:00']],
  ])('spring in %s: what %s skips ticks at the end of the gap, once', async (zone, cron, from, expected) => {
    const to = new Date(Date.parse(from) + 40 * 3_600_000).toISOString();
    expect(await between(in_(zone, cron), from, to)).toEqual(expected);
  });

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['America/New_York', '30 1 * * *', '2026-10-31T18:00Z', ['2026-11-01T05:30', '2026-11-02T06:30']],
    [
      'Europe/Berlin',
      '0 2,3 * * *',
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00', '2026-10-25T02:00', '2026-10-26T01:00', '2026-10-26T02:00'],
    ],
    [
      'Europe/Berlin',
      '0 1-3 * * *',
      '2026-10-24T20:00Z',
      [
        '2026-10-24T23:00',
        '2026-10-25T00:00',
        '2026-10-25T02:00',
        '2026-10-26T00:00',
        '2026-10-26T01:00',
        '2026-10-26T02:00',
      ],
    ],
  ])('autumn in %s: what %s repeats ticks the first time only', async (zone, cron, from, expected) => {
    const to = new Date(Date.parse(from) + 38 * 3_600_000 + 30 * 60_000).toISOString();
    expect((await between(in_(zone, cron), from, to)).slice(0, expected.length)).toEqual(expected);
  });

  it('with a star follow real time through both changes of the clock', async () => {
    for (const [from, to] of [
      ['2026-03-28T22:30:00Z', '2026-03-29T04:00:00Z'],
      ['2026-10-24T22:30:00Z', '2026-10-25T04:00:00Z'],
    ] as const) {
      const ticks = await between(in_('Europe/Berlin', '0 * * * *'), from, to);
      expect(ticks).toEqual(await between({ every: 3600 }, from, to));
    }
  });

  it('are the same from whichever moment they are asked for, around every change of the clock', async () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
    const crons = ['30 2 * * *', '0 2,3 * * *', '*/20 * * * *', '30 */2 * * *'];
    const changes = [
      '2026-03-28T20:00Z',
      '2026-10-24T20:00Z',
      '2026-03-08T02:00Z',
      '2026-11-01T02:00Z',
      '2026-10-03T10:00Z',
    ];
    for (const timing of zones.flatMap((zone) => crons.map((cron) => in_(zone, cron)))) {
      for (const change of changes) {
        const begin = Date.parse(change);
        const { newest } = await ticksBetween(timing, new Date(begin), new Date(begin + 32 * 3_600_000));
        const ticks = newest.map((tick) => tick.getTime());
        expect(ticks).toEqual([...new Set(ticks)].sort((one, other) => one - other));
        for (let moment = begin; moment < begin + 20 * 3_600_000; moment += 25 * 60_000) {
          const expected = ticks.find((tick) => tick > moment);
          if (expected !== undefined) expect(tickAfter(timing, new Date(moment))?.getTime()).toBe(expected);
        }
      }
    }
  });

  it('of the 29th of February come in leap years', async () => {
    expect(await between(in_('Europe/Berlin', '0 12 29 2 *'), '2027-01-01T00:00Z', '2033-01-01T00:00Z')).toEqual([
      ...['2028-02-29T11:00', '2032-02-29T11:00'],
    ]);
    expect(await between(in_('UTC', '0 0 L 2 *'), '2027-01-01T00:00Z', '2029-01-01T00:00Z')).toEqual([
      ...['2027-02-28T00:00', '2028-02-29T00:00'],
    ]);
  });
});
