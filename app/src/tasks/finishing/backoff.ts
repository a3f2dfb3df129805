import type { Backoff } from '../definition';

/**
 * Seconds until the next attempt after `failures` failed ones (1 or more): first x factor^(failures - 1), at most max,
 * spread by +- jitter so that tasks that failed together do not come back together.
 */
export function backoffSeconds(
  backoff: Required<Backoff>,
  failures: number,
  random: () => number = Math.random,
): number {
  // The power overflows after many failures, and nothing times infinity is no number.
  const grown = backoff.firstSeconds === 0 ? 0 : backoff.firstSeconds * backoff.factor ** (failures - 1);
  const wait = Math.min(backoff.maxSeconds, grown);
  return wait * (1 + backoff.jitter * (2 * random() - 1));
}
