import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from '../../app/local/servers/process-table';
import { waitUntil } from '../../app/local/servers/wait-until';
import type { RedisSettings, Stage } from './stage';
import { BURST } from './workload';

export interface Fault {
  /** As in the survival suite, where it has the same. */
  readonly id: string;
  readonly title: string;
  /** What stands in for the real fault, where that cannot be had on one machine. */
  readonly simulated?: string;
  readonly redis: RedisSettings;
  /** Redis cannot be used for so long, and a system that needs it to accept or to work shows that. */
  readonly outageSeconds?: number;
  /** It sends the task that kills. */
  readonly poisonous?: boolean;
  /** How long the system may take until it wants nothing done any more. @default that of all trials */
  readonly settleSeconds?: number;
  /** Makes ready what it needs, before anything is at risk. */
  prepare?(stage: Stage): Promise<void>;
  /** Brings it about and heals it; says by `stage.faultNow()` when it is there, each time it comes. */
  begin(stage: Stage): Promise<void> | void;
  /** Comes when everything else was done and nothing is accepted any more. */
  late?(stage: Stage): void;
}

const IN_MEMORY: RedisSettings = {};
/** As https://docs.bullmq.io/guide/going-to-production recommends. */
const APPEND_ONLY: RedisSettings = { appendonly: 'yes', appendfsync: 'everysec' };
/** https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/: everysec loses at most one second. */
const UNSYNCED_MS = 1_000;
/** A replica is served at once: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ */
const REPLICATED: RedisSettings = { ...IN_MEMORY, 'repl-diskless-sync-delay': '0' };
/** How far the replica is behind when it takes over. */
const LAG_MS = 1_000;
const HUNG_MS = 5_000;
const AWAY_MS = 1_000;
/** Longer than a lease of Holdfast; 60 s in the survival suite, which two faults on three systems cannot afford here. */
const OUTAGE_MS = 20_000;
/** As in the survival suite. */
const FULL_MS = 15_000;
/** A system that tries the poison for ever is watched for so long, behind the callers. */
const POISON_SECONDS = 130;
/** The producer is killed so often, each time in the middle of a burst. */
const PRODUCER_KILLS = 4;

export const FAULTS: readonly Fault[] = [
  {
    id: 'P1',
    title: 'worker SIGKILL while running',
    redis: IN_MEMORY,
    begin: (stage) => {
      stage.faultNow();
      stage.workers[0].kill();
    },
  },
  {
    id: 'P2',
    title: 'worker SIGTERM while running',
    redis: IN_MEMORY,
    begin: (stage) => {
      stage.faultNow();
      stage.workers[0].terminate();
    },
  },
  {
    id: 'P4',
    title: 'worker frozen until all else is done, then continued',
    redis: IN_MEMORY,
    begin: (stage) => {
      stage.faultNow();
      stage.workers[0].freeze();
    },
    late: (stage) => stage.workers[0].goOn(),
  },
  {
    id: 'P4-killed',
    title: 'worker frozen for 5 s, then SIGKILL',
    redis: IN_MEMORY,
    begin: async (stage) => {
      stage.faultNow();
      stage.workers[0].freeze();
      await sleep(HUNG_MS);
      stage.workers[0].kill();
    },
  },
  {
    id: 'P6',
    title: 'a task that kills what runs it, every time',
    redis: IN_MEMORY,
    poisonous: true,
    settleSeconds: POISON_SECONDS,
    begin: async (stage) => {
      stage.caller.sendPoison();
      await waitUntil('the poison has killed', async () => (await stage.deaths()) > 0, {
        limitSeconds: 30,
        everyMilliseconds: 20,
      });
      stage.faultNow();
    },
  },
  {
    id: 'P8',
    title: `producer SIGKILL in a burst, ${PRODUCER_KILLS} times`,
    redis: IN_MEMORY,
    begin: async (stage) => {
      for (let kill = 0; kill < PRODUCER_KILLS; kill += 1) {
        const { accepted } = stage.caller;
        stage.caller.send(BURST);
        await waitUntil('the burst is being answered', () => stage.caller.accepted > accepted, {
          limitSeconds: 20,
          everyMilliseconds: 1,
        });
        stage.faultNow();
        stage.producer.kill();
        await sleep(AWAY_MS);
        const away = stage.caller.accepted;
        await waitUntil('the producer is back', () => stage.caller.accepted > away, {
          limitSeconds: 60,
          everyMilliseconds: 50,
        });
      }
    },
  },
  {
    id: 'R1',
    title: 'Redis SIGKILL, restarts empty',
    redis: IN_MEMORY,
    begin: (stage) => restart(stage, AWAY_MS),
  },
  {
    id: 'R1-aof',
    title: 'Redis SIGKILL, AOF everysec',
    redis: APPEND_ONLY,
    begin: (stage) => restart(stage, AWAY_MS),
  },
  {
    id: 'R3',
    title: 'Redis loses its machine, AOF everysec',
    simulated: 'it restarts from its append-only file as it was one second before the end',
    redis: APPEND_ONLY,
    begin: async (stage) => {
      const file = join(stage.redisFolder, 'appendonlydir');
      const before = join(stage.redisFolder, 'one-second-ago');
      cpSync(file, before, { recursive: true });
      await sleep(UNSYNCED_MS);
      stage.faultNow();
      await stage.redis.kill();
      rmSync(file, { recursive: true });
      cpSync(before, file, { recursive: true });
      await sleep(AWAY_MS);
      await stage.redis.restart();
    },
  },
  {
    id: 'R2',
    title: 'FLUSHALL',
    redis: IN_MEMORY,
    begin: (stage) =>
      stage.asking(stage.redis, async (client) => {
        await client.ping();
        stage.faultNow();
        await client.flushall();
      }),
  },
  {
    id: 'R4',
    title: 'failover to a replica that lags 1 s',
    redis: REPLICATED,
    prepare: (stage) => stage.addReplica(),
    begin: async (stage) => {
      await stage.detachReplica();
      await sleep(LAG_MS);
      stage.faultNow();
      await stage.failOver();
    },
  },
  {
    id: 'R6-frozen',
    title: 'Redis frozen for 20 s',
    redis: IN_MEMORY,
    outageSeconds: OUTAGE_MS / 1_000,
    begin: async (stage) => {
      stage.faultNow();
      signal(stage.redis.pid, 'SIGSTOP');
      await sleep(OUTAGE_MS);
      signal(stage.redis.pid, 'SIGCONT');
    },
  },
  {
    id: 'R6-gone',
    title: 'Redis gone for 20 s, AOF everysec',
    redis: APPEND_ONLY,
    outageSeconds: OUTAGE_MS / 1_000,
    begin: (stage) => restart(stage, OUTAGE_MS),
  },
  {
    id: 'R8',
    title: 'Redis full for 15 s: writes are refused',
    redis: IN_MEMORY,
    outageSeconds: FULL_MS / 1_000,
    begin: (stage) =>
      stage.asking(stage.redis, async (client) => {
        const [, before] = await client.config('GET', 'maxmemory');
        await client.config('SET', 'maxmemory', '1');
        stage.faultNow();
        await sleep(FULL_MS);
        await client.config('SET', 'maxmemory', before ?? '0');
      }),
  },
];

async function restart(stage: Stage, awayMs: number): Promise<void> {
  stage.faultNow();
  await stage.redis.kill();
  await sleep(awayMs);
  await stage.redis.restart();
}
