import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '../../app/local/servers/wait-until';
import type { Counts } from './counting';
import { count, readTrail } from './counting';
import type { Fault } from './faults';
import { LOOK_MS, Stage } from './stage';
import type { System } from './system';
import { BURST, POISON_KEY } from './workload';

/** Before the fault there is nothing but the steady rate for so long. */
const STEADY_MS = 2_000;
/** Accepted tasks without an effect when the fault comes. */
const LEAST_BACKLOG = 150;
/** Callers go on for so long after the fault. */
const AFTER_MS = 10_000;
/** And for so long at most until something that they sent after the fault is done: clients wait up to 20 s to connect again. */
const AGAIN_SECONDS = 30;
/** Nothing is called lost before the store wants nothing done, and so long nothing came. */
const QUIET_SECONDS = 4;
const SETTLE_SECONDS = 200;

/** What became of the task that kills. */
export interface Poison {
  /** `tried`: its system still wanted it done at the end. */
  readonly fate: 'failed' | 'tried' | 'gone';
  readonly deaths: number;
}

export interface Outcome {
  readonly fault: Fault;
  readonly system: System;
  readonly counts: Counts;
  /** False: its own store still wanted something done when the run gave up waiting. */
  readonly settled: boolean;
  readonly poison?: Poison;
  /** What callers were told most often when they were refused. */
  readonly refusal?: string;
  /** From the start of its processes until they kept up with their callers. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Brings one fault over one system under load, and counts. */
export async function perform(fault: Fault, system: System): Promise<Outcome> {
  const began = performance.now();
  const stage = await Stage.set(system, fault.redis);
  try {
    const warmUpSeconds = (performance.now() - began) / 1_000;
    await fault.prepare?.(stage);
    await sleep(STEADY_MS);
    stage.caller.send(BURST);
    await waitUntil(`${system.name} has a backlog`, async () => (await stage.backlog()) >= LEAST_BACKLOG, {
      limitSeconds: 20,
      everyMilliseconds: 20,
    });
    await fault.begin(stage);
    if (stage.faultsAtMs.length === 0) throw new Error('the fault did not say when it was there');
    await sleep(AFTER_MS);
    const worksAgain = { limitSeconds: AGAIN_SECONDS, everyMilliseconds: LOOK_MS };
    // One that does not is counted: it has no `againSeconds`.
    await waitUntil('it works again', () => stage.worksAgain(), worksAgain).catch(() => undefined);
    stage.caller.stop();
    let settled = await stage.settle(QUIET_SECONDS, fault.settleSeconds ?? SETTLE_SECONDS);
    if (fault.late !== undefined) {
      fault.late(stage);
      settled = await stage.settle(QUIET_SECONDS, SETTLE_SECONDS);
    }
    const failed = await system.failed(stage.addresses, stage.pool);
    let poison: Poison | undefined;
    if (fault.poisonous) {
      const fate = failed.includes(POISON_KEY) ? 'failed' : settled ? 'gone' : 'tried';
      poison = { fate, deaths: await stage.deaths() };
      // It alone is left.
      settled ||= fate === 'tried' && (await system.pending(stage.addresses, stage.pool)) <= 1;
    }
    const [refusal] = [...stage.caller.reasons].sort(([, a], [, b]) => b - a)[0] ?? [];
    return {
      ...{ fault, system, settled, warmUpSeconds },
      counts: count(stage.caller.journal, await readTrail(stage.pool, failed), stage.faultsAtMs),
      ...(poison !== undefined && { poison }),
      ...(refusal !== undefined && { refusal }),
      seconds: (performance.now() - began) / 1_000,
    };
  } finally {
    await stage.strike();
  }
}
