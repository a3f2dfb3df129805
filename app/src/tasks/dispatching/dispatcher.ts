import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Batcher } from '../batcher';
import { RedisKeys } from '../lanes';
import type { Lane } from '../lanes';
import type { Ledger } from '../ledger/ledger';
import type { Counters } from '../metrics';
import type { RedisConnection } from './redis-connection';

export interface DispatchItem extends Lane {
  readonly id: string;
}

/** Who pushes to a lane's list (push.lua has what each may). */
type Pusher = 'acceptor' | 'returner' | 'relay';

interface Handover {
  readonly by: Pusher;
  readonly items: readonly DispatchItem[];
}

/** What goes to one list in one call. */
interface LanePush {
  readonly by: Pusher;
  readonly lane: Lane;
  readonly ids: readonly string[];
}

/** Ids that may wait for a slow Redis before further ones are left to the relay. */
const MAX_WAITING = 20_000;

/**
 * Hands ids of committed tasks to Redis. A hint, never a promise: whatever is not handed over here the relay finds in the
 * ledger within a second, so nobody waits for it and nothing is retried.
 */
export class Dispatcher {
  private readonly script = readFileSync(join(__dirname, 'push.lua'), 'utf8');
  private readonly batcher: Batcher<Handover, void>;
  private waiting = 0;

  constructor(
    private readonly redis: RedisConnection | undefined,
    private readonly ledger: Ledger,
    private readonly window: number,
    private readonly counters: Counters,
  ) {
    this.batcher = new Batcher((handovers) => this.send(handovers).then(() => handovers.map(() => undefined)), {
      maxItems: 1_000,
      parallel: 1,
    });
  }

  /** New tasks, behind those that wait. Called after the commit, outside any transaction. */
  push(items: readonly DispatchItem[]): void {
    this.handOver({ by: 'acceptor', items });
  }

  /**
   * Tasks that were claimed before and wait again as before: ahead of all others of their lane, since they are older.
   * Among themselves by id, which is the ledger's order unless some were delayed.
   */
  putBack(items: readonly DispatchItem[]): void {
    const oldestFirst = [...items].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    this.handOver({ by: 'returner', items: oldestFirst });
  }

  /**
   * Pushes ids to one lane as the relay does: also while the lane overflows.
   * @returns how many found room.
   */
  async pushAsRelay(redis: RedisConnection, keys: RedisKeys, lane: Lane, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const [pushed] = await redis.send((pipeline) => pipeline.eval(...this.call(keys, { by: 'relay', lane, ids })));
    this.counters.dispatched += Number(pushed);
    return Number(pushed);
  }

  private handOver(handover: Handover): void {
    const { items } = handover;
    if (items.length === 0) return;
    if (this.redis?.ready !== true || this.waiting + items.length > MAX_WAITING) {
      this.counters.dispatchSkipped += items.length;
      return;
    }
    this.waiting += items.length;
    this.batcher
      .add(handover)
      .catch(() => void (this.counters.dispatchSkipped += items.length))
      .finally(() => (this.waiting -= items.length));
  }

  private async send(handovers: readonly Handover[]): Promise<void> {
    const redis = this.redis;
    if (redis === undefined) return;
    const keys = new RedisKeys(await this.ledger.epoch());
    const pushes = byLane(handovers);
    const answers = await redis.send((pipeline) => {
      for (const push of pushes) pipeline.eval(...this.call(keys, push));
      return pipeline;
    });
    answers.forEach((answer, i) => {
      const pushed = Math.max(0, Number(answer));
      this.counters.dispatched += pushed;
      this.counters.dispatchSkipped += (pushes[i]?.ids.length ?? 0) - pushed;
    });
  }

  private call(keys: RedisKeys, { by, lane, ids }: LanePush): [string, number, ...(string | number)[]] {
    const { queue } = lane;
    return [this.script, 3, keys.generation(queue), keys.list(lane), keys.overflow(lane), this.window, by, ...ids];
  }
}

function byLane(handovers: readonly Handover[]): LanePush[] {
  const pushes = new Map<string, LanePush & { readonly ids: string[] }>();
  for (const { by, items } of handovers) {
    for (const { queue, priority, id } of items) {
      const name = `${by}:${queue}:${priority}`;
      const found = pushes.get(name);
      if (found === undefined) pushes.set(name, { by, lane: { queue, priority }, ids: [id] });
      else found.ids.push(id);
    }
  }
  return [...pushes.values()];
}
