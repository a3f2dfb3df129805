import type { Redis } from 'ioredis';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { LedgerView } from '../system/ledger-view';
import type { System } from '../system/system';

const BACK_SECONDS = 10;

/** The ids of tasks that the lanes' lists of a Redis hold, those of no task left out. */
export async function idsIn(redis: Redis): Promise<string[]> {
  const lists = await redis.keys('*:lane:*');
  const held = await Promise.all(lists.map((list) => redis.lrange(list, 0, -1)));
  return held.flat().filter((id) => /^\d+$/.test(id));
}

/** How many of the tasks with these ids wait to be claimed, and how many have ended. */
export async function statesOf(
  ledger: LedgerView,
  ids: readonly string[],
): Promise<{ readonly waiting: number; readonly ended: number }> {
  const [counts] = await ledger.rows<{ waiting: number; ended: number }>(
    `select count(*) filter (where state = 'queued')::int as waiting,
            count(*) filter (where finished_at is not null)::int as ended
     from holdfast.task where id = any ($1::bigint[])`,
    [ids],
  );
  return counts!;
}

/** Waits until the queue's Redis can be looked at again after it was away. */
export async function answersAgain({ redis }: System): Promise<void> {
  await waitUntil('Redis answers again', () => redis.ping().catch(() => false as const), {
    limitSeconds: BACK_SECONDS,
  });
}

/** @throws Error when the queue's Redis runs in a container, which takes no signals and comes back without its files. */
export function requireProcess({ servers }: System): void {
  if (servers.queue.container === undefined) return;
  throw new Error(
    'Redis runs in a container here; this row freezes it or restarts it from its disk, which needs redis-server or ' +
      'valkey-server on the PATH.',
  );
}
