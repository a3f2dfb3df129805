import { backoffSeconds } from '../../../src/tasks/finishing/backoff';

const STEADY = { firstSeconds: 2, factor: 3, maxSeconds: 100, jitter: 0 };

it('waits first, first x factor, first x factor^2 … and never longer than the longest wait', () => {
  expect([1, 2, 3, 4, 5, 100].map((failures) => backoffSeconds(STEADY, failures))).toEqual([2, 6, 18, 54, 100, 100]);
});

it('is a number after however many failures: nothing stays nothing, and what overflows is the longest wait', () => {
  expect(backoffSeconds({ ...STEADY, firstSeconds: 0, factor: 10 }, 1_000)).toBe(0);
  expect(backoffSeconds({ ...STEADY, factor: 10 }, 1_000)).toBe(100);
});

it('spreads waits evenly over +- jitter, so that tasks that failed together do not come back together', () => {
  const jittered = { ...STEADY, jitter: 0.25 };
  const at = (random: number): number => backoffSeconds(jittered, 2, () => random);
  expect([at(0), at(0.5), at(1)]).toEqual([4.5, 6, 7.5]);
  const waits = Array.from({ length: 200 }, () => backoffSeconds(jittered, 2));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(4.5);
  expect(Math.max(...waits)).toBeLessThanOrEqual(7.5);
  expect(new Set(waits).size).toBeGreaterThan(100);
});

it('stays a number however often a task has failed', () => {
  expect(backoffSeconds({ ...STEADY, factor: 10, maxSeconds: 604_800 }, 32_000)).toBe(604_800);
});
