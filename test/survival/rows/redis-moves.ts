import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { startPrivateRedis } from '../../../app/test/servers/private-servers';
import type { Row } from '../row';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { drawnAgain, GOES_ON, holdsSome } from './redis';

/** How long the copy has not heard of anything when it takes over. */
const LAG_MS = 1_000;
const SPLIT_SECONDS = 10;
/** By then every client has left a server that answers no more. */
const NOTICED_SECONDS = 20;

/** Faults after which another Redis, or an older state of it, is the queue. */
export const redisMovesRows: readonly Row[] = [
  {
    id: 'R3',
    fault: 'Redis restarts from an old snapshot (finished jobs come back)',
    mustHold: 'no effect twice, newer tasks are handed over again',
    run: async (trial, system) => {
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await system.redis.save();
          await sleep(LAG_MS);
          await system.servers.queue.kill();
          await system.servers.queue.restart();
        },
        last: async (fromMs) => {
          const keys = await waitUntil('Redis answers again', () => system.redis.dbsize().catch(() => false as const), {
            limitSeconds: 10,
          });
          trial.note(`${keys} keys came back from the snapshot`);
          await trial.lasts(5, fromMs);
        },
        heal: () => Promise.resolve(),
      });
      await drawnAgain(trial, system);
    },
  },
  {
    id: 'R4',
    fault: 'failover to a replica that lags',
    mustHold: 'everything that was lost is handed over again without anyone acting',
    run: async (trial, system) => {
      const before = system.servers.queue;
      const replica = await replicaOf(before);
      await trial.disturb({
        begin: async () => {
          await promoted(trial, replica);
          await sleep(LAG_MS);
          system.queueIsNow(replica);
          await before.kill();
        },
        last: (fromMs) => trial.lasts(SPLIT_SECONDS, fromMs),
        heal: () => Promise.resolve(),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
  },
  {
    id: 'R5',
    fault: 'old primary still reachable after the promotion (split brain)',
    mustHold: 'no effect twice',
    run: async (trial, system) => {
      const before = system.servers.queue;
      const replica = await replicaOf(before);
      const [left] = system.workers;
      await trial.disturb({
        begin: async () => {
          await promoted(trial, replica);
          system.queueIsNow(replica);
          // This worker stays with the old one, connections to come included; all others have moved.
          system.links(left).queue.lead(before.port);
          for (const link of othersThan(system, left.name)) link.cut();
        },
        last: async (fromMs) => {
          await trial.lasts(SPLIT_SECONDS, fromMs);
          trial.check(system.links(left).queue.open > 0, `${left.name} did not stay with the old primary`);
        },
        heal: async () => {
          system.links(left).queue.lead(replica.port);
          system.links(left).queue.cut();
          await before.stop();
        },
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
  },
  {
    id: 'R7',
    fault: 'silent loss: packets dropped without reset, address changes',
    mustHold: 'clients notice in < 20 s',
    run: async (trial, system) => {
      const before = system.servers.queue;
      const next = await startPrivateRedis();
      await trial.disturb({
        begin: () => {
          for (const link of system.linksTo('queue')) link.silence();
          system.queueIsNow(next);
          return Promise.resolve();
        },
        last: async (fromMs) => {
          await waitUntil(
            'every process is connected to the new address',
            () => system.linksTo('queue').every(({ open }) => open > 0),
            { limitSeconds: 3 * NOTICED_SECONDS, everyMilliseconds: 100 },
          );
          const seconds = (Date.now() - fromMs) / 1_000;
          trial.note(`every process was at the new address after ${seconds.toFixed(1)} s`);
          trial.check(seconds < NOTICED_SECONDS, `clients took ${seconds.toFixed(1)} s to notice`);
        },
        heal: () => before.stop(),
        goesOn: ['accepting'],
      });
      await drawnAgain(trial, system);
    },
  },
];

function othersThan(system: System, name: string): ReturnType<System['linksTo']> {
  return system.processes.filter((process) => process.name !== name).map((process) => system.links(process).queue);
}

/** One that holds the same as the queue from now on, until it is promoted. */
async function replicaOf(server: RedisServer): Promise<RedisServer> {
  const replica = await startPrivateRedis();
  await asking(replica, async (client) => {
    await client.replicaof('127.0.0.1', server.port);
    await waitUntil(
      'the replica has caught up',
      async () => (await client.info('replication')).includes('master_link_status:up'),
      { limitSeconds: 20, everyMilliseconds: 100 },
    );
  });
  return replica;
}

/** It hears no more of its primary and takes writes. */
async function promoted(trial: Trial, replica: RedisServer): Promise<void> {
  await asking(replica, async (client) => {
    await client.replicaof('NO', 'ONE');
    trial.note(`${await client.dbsize()} keys were on the replica when it was promoted`);
  });
}

async function asking(server: RedisServer, ask: (client: Redis) => Promise<void>): Promise<void> {
  const client = new Redis(server.url);
  try {
    await ask(client);
  } finally {
    client.disconnect();
  }
}
