import { checkAllTicks, checkTicks } from './rows/ticks';
import type { Tick } from './rows/ticks';
import { Trial } from './trial';
import type { System } from './system/system';

const EVERY_MS = 5_000;
/** The tick that has just been. */
const LAST = 10;
const LAST_MS = Math.floor(Date.now() / EVERY_MS) * EVERY_MS;
/** A scheduler was killed 30 ms behind the tick 4, and the next one had a connection 1.5 s behind the tick 7. */
const DOWN = { killedMs: at(4) + 30, connectedMs: at(7) + 1_500 };

/** When the n-th tick was due. */
function at(tick: number): number {
  return LAST_MS - (LAST - tick) * EVERY_MS;
}

function regular(...ticks: number[]): Tick[] {
  return ticks.map((tick) => ({ dueMs: at(tick), acceptedMs: at(tick) + 20 }));
}

function brokenBy(ticks: readonly Tick[], check = checkTicks): string[] {
  const system = { log: { note: () => undefined } } as unknown as System;
  const trial = new Trial(system, () => 0);
  check(trial, { ticks, downs: [DOWN], everyMs: EVERY_MS });
  return trial.broken;
}

describe('what row P11 finds in the ticks of a schedule', () => {
  const madeUp = { dueMs: at(7), acceptedMs: at(7) + 1_600 };

  test('nothing, when the last one that was missed was made up', () => {
    expect(brokenBy([...regular(1, 2, 3), madeUp, ...regular(8, 9, 10)])).toEqual([]);
    expect(brokenBy([...regular(1, 2, 3, 4), madeUp, ...regular(8, 9, 10)])).toEqual([]);
  });

  test('that it was not made up', () => {
    expect(brokenBy([...regular(1, 2, 3), ...regular(8, 9, 10)])).toEqual([
      'after 1 of 1 kills the last missed tick was not made up',
    ]);
  });

  test('that one is missing while a scheduler was there', () => {
    expect(brokenBy([...regular(1, 3), madeUp, ...regular(8, 9, 10)])).toEqual([
      expect.stringMatching(/^ticks are missing/),
    ]);
    expect(brokenBy([...regular(1, 2, 3), madeUp, ...regular(8, 10)])).toEqual([
      expect.stringMatching(/^ticks are missing/),
    ]);
  });

  test('that they have ended', () => {
    expect(brokenBy([...regular(1, 2, 3), madeUp])).toEqual([expect.stringMatching(/^nothing ticks any more/)]);
  });
});

describe('what row P11 finds in the ticks of a schedule that makes up all', () => {
  const madeUp = [5, 6, 7].map((tick) => ({ dueMs: at(tick), acceptedMs: at(7) + 1_600 }));

  test('nothing, when all were made up', () => {
    expect(brokenBy([...regular(1, 2, 3, 4), ...madeUp, ...regular(8, 9, 10)], checkAllTicks)).toEqual([]);
  });

  test('that one was left out', () => {
    expect(brokenBy([...regular(1, 2, 3, 4), ...madeUp.slice(1), ...regular(8, 9, 10)], checkAllTicks)).toEqual([
      expect.stringMatching(/^ticks are missing before/),
    ]);
  });

  test('that none was made up', () => {
    expect(brokenBy([...regular(8, 9, 10)], checkAllTicks)).toEqual([
      'after 1 of 1 kills no missed tick was made up although all are to be',
    ]);
  });
});
