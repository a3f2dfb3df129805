import { setTimeout as sleep } from 'node:timers/promises';
import { GRACE_SECONDS, LEASE_SECONDS } from './rows/workers';
import type { System } from './system/system';

const SETTLE_SECONDS = 120;
/** By then others have the tasks of a lost worker. */
const STILL_SECONDS = LEASE_SECONDS + GRACE_SECONDS;

/** What a run left behind that broke off before its end. */
export interface Settled {
  /**
   * `ended`: nothing, so that everything can be counted. `stuck`: tasks that nobody begins although a worker is well and
   * idle, or that nobody takes over although their worker is gone for longer than the lease. `under way`: anything else,
   * of which nobody can say yet whether it is lost.
   */
  readonly rest: 'ended' | 'stuck' | 'under way';
  readonly unfinished: number;
}

/** Makes the network whole and waits until what is left has ended or does not move any more, two minutes at most. */
export async function settle(system: System): Promise<Settled> {
  system.healLinks();
  const endMs = performance.now() + SETTLE_SECONDS * 1_000;
  for (;;) {
    const unfinished = await system.ledger.unfinished();
    if (unfinished === 0) return { rest: 'ended', unfinished };
    const living = system.workers.filter(({ alive }) => alive).map(({ pid }) => pid);
    if ((await system.ledger.stuck(living, STILL_SECONDS)) === unfinished) return { rest: 'stuck', unfinished };
    if (performance.now() >= endMs) return { rest: 'under way', unfinished };
    await sleep(500);
  }
}
