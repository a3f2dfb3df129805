import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { startPrivateRedis } from '../../../app/test/servers/private-servers';
import type { Row } from '../row';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { handedOverAgain } from './handed-over';
import { drawnAgain, GOES_ON, holdsSome } from './redis';
import { answersAgain, idsIn, requireProcess, statesOf } from './redis-lists';

/** How long the copy has not heard of anything when it takes over. */
const LAG_MS = 1_000;
/** Tasks that end between the snapshot and its return. */
const LEAST_ENDED = 100;
const SPLIT_SECONDS = 10;
/** Claimed from its list by each worker during the split: more than it can have taken before. */
const LEAST_CLAIMED = 100;
/** By then every client has left a server that answers no more. */
const NOTICED_SECONDS = 20;
/** One to wait for ids, one for everything else. */
const WORKER_CONNECTIONS = 2;

/** Faults after which another Redis, or an older state of it, is the queue. */
export const redisMovesRows: readonly Row[] = [
  {
    id: 'R3',
    fault: 'Redis restarts from an old snapshot (finished jobs come back)',
    mustHold: 'no effect twice, newer tasks are handed over again',
    run: async (trial, system) => {
      requireProcess(system);
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await cameBack(trial, system, await killedAfterSave(system, (ids) => someEnd(system, ids)));
        },
        last: (fromMs) => trial.lasts(5, fromMs),
        heal: () => Promise.resolve(),
      });
      await drawnAgain(trial, system);
    },
    long: (trial, system) =>
      handedOverAgain(trial, system, {
        keep: () => system.redis.save(),
        lose: async () => {
          await system.servers.queue.kill();
          await system.servers.queue.restart();
        },
      }),
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
          await lagged(trial, system, replica);
          system.queueIsNow(replica);
          await before.kill();
        },
        last: (fromMs) => trial.lasts(SPLIT_SECONDS, fromMs),
        heal: () => Promise.resolve(),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
    long: async (trial, system) => {
      const before = system.servers.queue;
      const replica = await replicaOf(before);
      await handedOverAgain(trial, system, {
        keep: () => promoted(trial, replica),
        lose: async () => {
          system.queueIsNow(replica);
          await before.kill();
        },
      });
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
      let claimed: readonly number[] = [];
      await trial.disturb({
        begin: async () => {
          await promoted(trial, replica);
          system.queueIsNow(replica);
          // This worker stays with the old one, connections to come included; all others have moved.
          system.links(left).queue.lead(before.port);
          for (const link of othersThan(system, left.name)) link.cut();
          claimed = await system.claimedFromRedis();
        },
        last: async (fromMs) => {
          await trial.lasts(SPLIT_SECONDS, fromMs);
          trial.check(system.links(left).queue.open > 0, `${left.name} did not stay with the old primary`);
          const more = (await system.claimedFromRedis()).map((count, i) => count - claimed[i]!);
          trial.check(
            more.every((count) => count >= LEAST_CLAIMED),
            `during the split the workers claimed ${more.join(' and ')} tasks from their lists`,
          );
          trial.note(`${more.join(' and ')} tasks were claimed from the two primaries during the split`);
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
      const links = system.linksTo('queue');
      let connections: readonly number[] = [];
      await trial.disturb({
        begin: () => {
          connections = links.map(({ open }) => open);
          for (const link of links) link.silence();
          system.queueIsNow(next);
          return Promise.resolve();
        },
        last: async (fromMs) => {
          await waitUntil(
            'every connection leads to the new address',
            () => links.every(({ open }, i) => open >= connections[i]!),
            { limitSeconds: 3 * NOTICED_SECONDS, everyMilliseconds: 100 },
          );
          const seconds = (Date.now() - fromMs) / 1_000;
          trial.note(
            `all of ${connections.join(' + ')} connections were at the new address after ${seconds.toFixed(1)} s`,
          );
          trial.recoveredAfter(seconds, NOTICED_SECONDS);
          const few = system.workers.filter((worker) => system.links(worker).queue.open < WORKER_CONNECTIONS);
          trial.check(few.length === 0, `${few.map(({ name }) => name).join(', ')} had fewer connections than it uses`);
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

/**
 * Saves what the queue's Redis holds and kills it later.
 * @param ages resolves when the snapshot is old enough; is given the ids in it, or a few that came a moment later
 * @returns brings it back as it was saved; when it is killed after that, it restarts empty again
 */
export async function killedAfterSave(
  system: System,
  ages: (ids: readonly string[]) => Promise<unknown>,
): Promise<() => Promise<void>> {
  const { queue } = system.servers;
  const directory = await directoryOf(system.redis);
  await system.redis.save();
  await ages(await idsIn(system.redis));
  await queue.kill();
  return async () => {
    await queue.restart();
    await rm(join(directory, 'dump.rdb'));
  };
}

async function someEnd(system: System, ids: readonly string[]): Promise<void> {
  await waitUntil(
    'tasks have ended whose ids are in the snapshot',
    async () => (await statesOf(system.ledger, ids)).ended >= LEAST_ENDED,
    { limitSeconds: 20 },
  );
}

/** Brings Redis back and looks at what it holds before any process of the app can reach it. */
async function cameBack(trial: Trial, system: System, bringBack: () => Promise<void>): Promise<void> {
  const links = system.linksTo('queue');
  for (const link of links) link.drop();
  await bringBack();
  await answersAgain(system);
  const ids = await idsIn(system.redis);
  const { ended } = await statesOf(system.ledger, ids);
  for (const link of links) link.heal();
  trial.check(ended > 0, `the snapshot brought back ${ids.length} ids, none of a task that had ended`);
  trial.note(`${ids.length} ids came back from the snapshot, ${ended} of them of tasks that had ended`);
}

/** What the copy does not know when the queue's Redis is lost. */
async function lagged(trial: Trial, system: System, replica: RedisServer): Promise<void> {
  const [newest, copied] = await Promise.all([idsIn(system.redis), asking(replica, idsIn)]);
  const missing = idsBeside(newest, copied);
  trial.check(missing > 0, 'the replica lacked nothing of what the old primary held');
  trial.note(`${missing} ids were on the old primary alone, ${idsBeside(copied, newest)} had been taken from it alone`);
}

function idsBeside(ids: readonly string[], others: readonly string[]): number {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id)).length;
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
    // What it was sent lies on its disk; when it restarts one day it is empty, as the queue's Redis is.
    await rm(join(await directoryOf(client), 'dump.rdb'), { force: true });
  });
  return replica;
}

async function directoryOf(redis: Redis): Promise<string> {
  const [, directory] = (await redis.config('GET', 'dir')) as [string, string];
  return directory;
}

/** It hears no more of its primary and takes writes. */
async function promoted(trial: Trial, replica: RedisServer): Promise<void> {
  const keys = await promote(replica);
  trial.note(`${keys} keys were on the replica when it was promoted`);
}

/** @returns how many keys it has */
function promote(replica: RedisServer): Promise<number> {
  return asking(replica, async (client) => {
    await client.replicaof('NO', 'ONE');
    return client.dbsize();
  });
}

/** The queue's Redis is lost, and a copy that has not heard of it for a while takes its place. */
export async function failOverToCopy(system: System): Promise<void> {
  const before = system.servers.queue;
  const replica = await replicaOf(before);
  await promote(replica);
  await sleep(LAG_MS);
  system.queueIsNow(replica);
  await before.kill();
}

async function asking<T>(server: RedisServer, ask: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url);
  try {
    return await ask(client);
  } finally {
    client.disconnect();
  }
}
