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

/** Ids that may wait for a slow Redis before further ones are left to the relay. */
const MAX_WAITING = 20_000;

/**
 * Hands ids of committed tasks to Redis. A hint, never a promise: whatever is not handed over here the relay finds in the
 * ledger within a second, so nobody waits for it and nothing is retried.
 */
export class Dispatcher {
  private readonly script = readFileSync(join(__dirname, 'push.lua'), 'utf8');
  private readonly batcher: Batcher<readonly DispatchItem[], void>;
  private waiting = 0;

  constructor(
    private readonly redis: RedisConnection | undefined,
    private readonly ledger: Ledger,
    private readonly window: number,
    private readonly counters: Counters,
  ) {
    this.batcher = new Batcher((groups) => this.send(groups.flat()).then(() => groups.map(() => undefined)), {
      maxItems: 1_000,
      parallel: 1,
    });
  }

  /** Called after the commit, outside any transaction. */
  push(items: readonly DispatchItem[]): void {
    if (items.length === 0) return;
    if (this.redis?.ready !== true || this.waiting + items.length > MAX_WAITING) {
      this.counters.dispatchSkipped += items.length;
      return;
    }
    this.waiting += items.length;
    this.batcher
      .add(items)
      .catch(() => void (this.counters.dispatchSkipped += items.length))
      .finally(() => (this.waiting -= items.length));
  }

  /**
   * Pushes ids to one lane as the relay does: also while the lane overflows.
   * @returns how many found room.
   */
  async pushAsRelay(redis: RedisConnection, keys: RedisKeys, lane: Lane, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const [pushed] = await redis.send((pipeline) => pipeline.eval(...this.call(keys, lane, 'relay', ids)));
    this.counters.dispatched += Number(pushed);
    return Number(pushed);
  }

  private async send(items: readonly DispatchItem[]): Promise<void> {
    const redis = this.redis;
    if (redis === undefined) return;
    const keys = new RedisKeys(await this.ledger.epoch());
    const lanes = byLane(items);
    const answers = await redis.send((pipeline) => {
      for (const { lane, ids } of lanes) pipeline.eval(...this.call(keys, lane, 'acceptor', ids));
      return pipeline;
    });
    answers.forEach((answer, i) => {
      const pushed = Math.max(0, Number(answer));
      this.counters.dispatched += pushed;
      this.counters.dispatchSkipped += (lanes[i]?.ids.length ?? 0) - pushed;
    });
  }

  private call(
    keys: RedisKeys,
    lane: Lane,
    who: 'acceptor' | 'relay',
    ids: readonly string[],
  ): [script: string, keyCount: number, ...rest: (string | number)[]] {
    return [
      this.script,
      3,
      keys.generation(lane.queue),
      keys.list(lane),
      keys.overflow(lane),
      this.window,
      who,
      ...ids,
    ];
  }
}

function byLane(items: readonly DispatchItem[]): { lane: Lane; ids: string[] }[] {
  const lanes = new Map<string, { lane: Lane; ids: string[] }>();
  for (const item of items) {
    const name = `${item.queue}:${item.priority}`;
    const found = lanes.get(name);
    if (found === undefined) lanes.set(name, { lane: { queue: item.queue, priority: item.priority }, ids: [item.id] });
    else found.ids.push(item.id);
  }
  return [...lanes.values()];
}
