import type { Row } from '../row';
import type { System } from '../system/system';
import { drawnAgain, GOES_ON, holdsSome } from './redis';

const SECONDS = 15;
/** Each way, and up to so much more. */
const SLOW = { ms: 200, jitterMs: 200 };
/** Of the connections, four times a second. */
const RESET_SHARE = 0.05;
/** Ids that no task has, and what is no id at all. */
const INVENTED = ['999999999999', '1', '0', '-7', 'not an id', ''];

/** What a key begins with that was renamed. */
const RENAMED = 'renamed';

/** Faults of a Redis that goes on answering. */
export const redisPartlyRows: readonly Row[] = [
  {
    id: 'R8',
    fault: 'Redis full (writes refused)',
    mustHold: 'accepting and working go on from Postgres',
    run: async (trial, system) => {
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await system.redis.config('SET', 'maxmemory', '1');
        },
        last: (fromMs) => trial.lasts(SECONDS, fromMs),
        heal: () => system.redis.config('SET', 'maxmemory', '256mb'),
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
  },
  {
    id: 'R9',
    fault: '200 ms latency with jitter, random resets',
    mustHold: 'slower, nothing lost',
    run: async (trial, system) => {
      const links = system.linksTo('queue');
      await trial.disturb({
        begin: () => {
          for (const link of links) link.slow(SLOW.ms, SLOW.jitterMs);
          return Promise.resolve();
        },
        last: (fromMs) =>
          trial.lasts(SECONDS, fromMs, () => {
            for (const link of links) link.cutSome(RESET_SHARE, trial.random);
            return Promise.resolve();
          }),
        heal: () => {
          for (const link of links) link.heal();
          return Promise.resolve();
        },
        ...GOES_ON,
      });
      await drawnAgain(trial, system);
    },
  },
  {
    id: 'R11',
    fault: 'part of Redis lost: one list deleted, keys renamed, ids duplicated or invented',
    mustHold: 'nothing lost, no effect twice, invented ids ignored',
    run: async (trial, system) => {
      const done = { deleted: 0, renamed: 0, duplicated: 0, invented: 0 };
      await trial.disturb({
        begin: async () => {
          await holdsSome(trial, system);
          await mangle(trial.random, system, done);
        },
        last: (fromMs) => trial.lasts(SECONDS, fromMs, () => mangle(trial.random, system, done)),
        heal: () => Promise.resolve(),
        ...GOES_ON,
      });
      trial.note(JSON.stringify(done));
      trial.check(
        Object.values(done).every((times) => times > 0),
        `not everything was brought over it: ${JSON.stringify(done)}`,
      );
      await drawnAgain(trial, system);
    },
  },
];

/** One of the ways in which a part of Redis gets lost or goes wrong, by chance. */
export async function mangle(
  random: () => number,
  system: System,
  done: { deleted: number; renamed: number; duplicated: number; invented: number },
): Promise<void> {
  const { redis } = system;
  const lists = (await system.lists()).filter((key) => !key.startsWith(RENAMED));
  const list = lists[Math.floor(random() * lists.length)];
  if (list === undefined) return;
  const keys = (await redis.keys('*')).filter((key) => !key.startsWith(RENAMED));
  const key = keys[Math.floor(random() * keys.length)];
  const way = random();
  if (way < 0.25) {
    done.deleted += await redis.del(list);
  } else if (way < 0.5 && key !== undefined) {
    // Whatever it is, it may be gone by now.
    done.renamed += await redis.rename(key, `${RENAMED}-${done.renamed}-${key}`).then(
      () => 1,
      () => 0,
    );
  } else if (way < 0.75) {
    const ids = await redis.lrange(list, 0, 49);
    if (ids.length > 0) await redis.rpush(list, ...ids, ...ids);
    done.duplicated += ids.length;
  } else {
    await redis.lpush(list, ...INVENTED);
    done.invented += INVENTED.length;
  }
}
