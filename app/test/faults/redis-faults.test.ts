import { signal } from '../../local/servers/process-table';
import { waitUntil } from '../../local/servers/wait-until';
import { injectUnderLoad } from './inject';
import { answersByStatus, latencyMs } from './journal';
import { System } from './system';

/** Accepted and done while Redis is away, each. */
const LEAST_WORK = 500;
const LONGEST_P99_MS = 2_000;
/** A healthy worker beside a backlog does not stand idle longer. */
const LONGEST_STANDSTILL_MS = 5_000;
const HEALED_SECONDS = 15;
const OUTAGE_SECONDS = 20;
const FLUSHING_SECONDS = 10;
/** Out of step with the relay, which looks once a second: sometimes just after, sometimes long after it has refilled. */
const FLUSHED_EVERY_MS = 700;
const CLAIMED_FROM_REDIS = 'holdfast_engine_claimed_from_redis_total';

interface Outage {
  /** Begins the fault; the outage counts from its end. */
  begin(): Promise<void>;
  /** Resolves when the fault has lasted long enough, with whether the workers did as they should by then. */
  last(fromMs: number): Promise<boolean>;
  /** Ends the fault; the outage counts to its begin. */
  heal(): Promise<void>;
}

jest.setTimeout(120_000);

describe('Redis is lost under load', () => {
  let system: System;

  beforeAll(async () => {
    system = await System.start();
  });

  afterEach(() => system.heal());

  afterAll(() => system.stop());

  /** One outage, to a clean verdict; checks that callers and workers went on all the while. */
  function survives(outage: Outage): Promise<void> {
    return system.log.shownOnFailure(async () => {
      let listed = 0;
      const { load, atMs: fromMs } = await injectUnderLoad(system, async () => {
        listed = await system.idsInRedis();
        await outage.begin();
      });
      // Otherwise there was nothing to lose.
      expect(listed).toBeGreaterThan(0);
      const adapted = await outage.last(fromMs);
      const toMs = Date.now();
      await outage.heal();
      const drawing = await claimedFromRedis();
      await waitUntil(
        'both workers get tasks from Redis again',
        async () => everyHigher(await claimedFromRedis(), drawing),
        {
          limitSeconds: HEALED_SECONDS - (Date.now() - toMs) / 1000,
        },
      );
      const claimingSeconds = (Date.now() - toMs) / 1000;
      await system.drawFromRedis(HEALED_SECONDS - claimingSeconds);
      const shownSeconds = (Date.now() - toMs) / 1000;
      await load.stop();
      const endMs = Date.now();
      expect(await system.verdict()).toEqual([]);

      const requests = system.journal.sentBetween(fromMs, toMs);
      const accepted = system.journal.acknowledgedBetween(fromMs, toMs);
      const done = await system.ledger.doneBetween(fromMs, toMs);
      const p99Ms = latencyMs(requests, 0.99);
      const standstillMs = await system.ledger.longestStandstillMs(fromMs, endMs);
      system.log.report(
        `${listed} ids in Redis at the fault; within its ${((toMs - fromMs) / 1000).toFixed(1)} s ${accepted} accepted ` +
          `(p99 ${p99Ms} ms), ${done} done; longest standstill ${Math.round(standstillMs)} ms; from Redis again after ` +
          `${claimingSeconds.toFixed(1)} s, shown after ${shownSeconds.toFixed(1)} s`,
      );
      expect(Object.keys(answersByStatus(system.journal.sentBetween(fromMs, endMs)))).toEqual(['202']);
      expect(accepted).toBeGreaterThanOrEqual(LEAST_WORK);
      expect(done).toBeGreaterThanOrEqual(LEAST_WORK);
      expect(p99Ms).toBeLessThan(LONGEST_P99_MS);
      expect(adapted).toBe(true);
      expect(standstillMs).toBeLessThanOrEqual(LONGEST_STANDSTILL_MS);
    });
  }

  function claimedFromRedis(): Promise<number[]> {
    return Promise.all(system.workers.map((worker) => worker.metric(CLAIMED_FROM_REDIS)));
  }

  /** The outage's own length. Answers whether both workers were shown to draw from PostgreSQL by then. */
  async function lastFor(seconds: number, fromMs: number): Promise<boolean> {
    let shown = false;
    await waitUntil(
      `the outage has lasted ${seconds} s`,
      async () => {
        shown = await system.drawsFrom('postgres');
        return Date.now() >= fromMs + seconds * 1000;
      },
      { limitSeconds: 2 * seconds, everyMilliseconds: 250 },
    );
    return shown;
  }

  /** Throughout, as one loss may go by between two looks of the relay. */
  async function emptyRedisFor(seconds: number, fromMs: number): Promise<boolean> {
    return waitUntil(
      `Redis was emptied for ${seconds} s`,
      async () => {
        await system.redis.flushall();
        return Date.now() >= fromMs + seconds * 1000;
      },
      { limitSeconds: 2 * seconds, everyMilliseconds: FLUSHED_EVERY_MS },
    );
  }

  function signalRedis(name: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    if (system.redisServer.container !== undefined) {
      throw new Error('This test freezes Redis by a signal, which needs redis-server or valkey-server on the PATH.');
    }
    signal(system.redisServer.pid, name);
    return Promise.resolve();
  }

  it('goes on when it is emptied, again and again for 10 s', () =>
    survives({
      begin: async () => {
        await system.redis.flushall();
      },
      last: (fromMs) => emptyRedisFor(FLUSHING_SECONDS, fromMs),
      heal: () => Promise.resolve(),
    }));

  it('goes on when it is killed and comes back empty after 20 s', () =>
    survives({
      begin: () => system.redisServer.kill(),
      last: (fromMs) => lastFor(OUTAGE_SECONDS, fromMs),
      heal: () => system.redisServer.restart(),
    }));

  it('goes on when it freezes for 20 s', () =>
    survives({
      begin: () => signalRedis('SIGSTOP'),
      last: (fromMs) => lastFor(OUTAGE_SECONDS, fromMs),
      heal: () => signalRedis('SIGCONT'),
    }));
});

function everyHigher(now: readonly number[], before: readonly number[]): boolean {
  return now.every((count, i) => count > (before[i] ?? Infinity));
}
