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
  const wait = Math.min(backoff.maxSeconds, backoff.firstSeconds * backoff.factor ** (failures - 1));
  return wait * (1 + backoff.jitter * (2 * random() - 1));
}
