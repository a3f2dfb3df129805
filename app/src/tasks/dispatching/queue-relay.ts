import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { PRIORITY_NUMBERS } from '../lanes';
import type { Lane, RedisKeys } from '../lanes';
import type { RelayOptions } from './relay';

export type RelayStatements = Readonly<Record<'due' | 'due_after' | 'lead', string>>;

interface DueRow {
  priority: number;
  ids: string | null;
  last_run_at: string | null;
  last_id: string | null;
}

interface Position {
  readonly runAt: string;
  readonly id: string;
}

/** What tells one life of a Redis's data from another (docs/adr/0001; no single one of them is enough). */
interface Identity {
  readonly generation: string | null;
  readonly runId: string;
  readonly replicationId: string;
}

/** The relay of one queue, run by the worker that leads it. Remembers nothing that it could not find out again. */
export class QueueRelay {
  private known: Identity | undefined;
  /** Lanes of which the ledger holds more than the window, and the last task of each that was pushed. */
  private readonly tails = new Map<number, Position>();

  constructor(
    private readonly queue: string,
    private readonly keys: RedisKeys,
    private readonly statements: RelayStatements,
    private readonly options: RelayOptions,
  ) {}

  get overflows(): boolean {
    return this.tails.size > 0;
  }

  /**
   * Compares the oldest due tasks with what the lists hold and pushes what is missing. This alone repairs every loss;
   * the comparison of identities only makes it known and clears lists that came back from the past.
   */
  async look(session: Client): Promise<void> {
    const { redis } = this.options;
    const lanes = this.lanes();
    const [generation, server, replication, ...lists] = await redis.send((pipeline) => {
      pipeline.get(this.keys.generation(this.queue)).info('server').info('replication');
      for (const lane of lanes) pipeline.lrange(this.keys.list(lane), 0, -1);
      for (const lane of lanes) pipeline.exists(this.keys.overflow(lane));
      return pipeline;
    });
    const identity = {
      generation: generation as string | null,
      runId: field(server, 'run_id'),
      replicationId: field(replication, 'master_replid'),
    };
    const held = await this.afterLosses(identity, lists.slice(0, lanes.length) as string[][]);
    const marked = lists.slice(lanes.length).map((mark) => mark === 1);
    const relieved = await this.pushMissing(session, held, marked);
    if (!relieved) return;
    // What acceptors left to the relay before the mark went is in the ledger by now: look once more, so that it is
    // pushed before what they push themselves from here on.
    await this.pushMissing(session, await this.readLists(), []);
  }

  /** Tops up overflowing lanes whose list is less than half full, going on where the last push ended. */
  async refill(session: Client): Promise<void> {
    const lanes = this.lanes().filter((lane) => this.tails.has(lane.priority));
    if (lanes.length === 0) return;
    const lengths = await this.options.redis.send((pipeline) => {
      for (const lane of lanes) pipeline.llen(this.keys.list(lane));
      return pipeline;
    });
    for (const [i, lane] of lanes.entries()) {
      const length = Number(lengths[i]);
      const tail = this.tails.get(lane.priority);
      if (tail === undefined || length > this.options.window / 2) continue;
      const room = this.options.window - length;
      const values = [this.queue, lane.priority, room, tail.runAt, tail.id];
      const row = (await session.query<DueRow>(this.statements.due_after, values)).rows[0];
      const ids = parseIds(row?.ids);
      await this.push(lane, ids);
      this.remember(lane, row);
    }
  }

  private async afterLosses(identity: Identity, held: string[][]): Promise<string[][]> {
    const { redis, counters, logger } = this.options;
    const before = this.known;
    const changed =
      before !== undefined &&
      (identity.generation !== before.generation ||
        identity.runId !== before.runId ||
        identity.replicationId !== before.replicationId);
    if (!changed && identity.generation !== null) {
      this.known = identity;
      return held;
    }
    const generation = randomUUID();
    // The lists are hints: what they hold may come from an older life of this Redis, and the ledger knows better.
    await redis.send((pipeline) => {
      for (const lane of this.lanes()) pipeline.del(this.keys.list(lane), this.keys.overflow(lane));
      return pipeline.set(this.keys.generation(this.queue), generation);
    });
    this.known = { ...identity, generation };
    if (changed) {
      counters.redisRebuilds += 1;
      logger.warn({ queue: this.queue }, 'redis lost or replaced its data; handing over again from the ledger');
    }
    return held.map(() => []);
  }

  /** @returns whether a mark of overflow was taken away because everything due is in the lists now. */
  private async pushMissing(session: Client, held: readonly string[][], marked: readonly boolean[]): Promise<boolean> {
    const { window, redis } = this.options;
    const rows = (await session.query<DueRow>(this.statements.due, [this.queue, PRIORITY_NUMBERS, window])).rows;
    let relieved = false;
    for (const [i, lane] of this.lanes().entries()) {
      const row = rows.find((candidate) => candidate.priority === lane.priority);
      const ids = parseIds(row?.ids);
      const present = new Set(held[i]);
      const missing = ids.filter((id) => !present.has(id));
      const complete = (await this.push(lane, missing)) === missing.length;
      if (ids.length < window && complete) {
        this.tails.delete(lane.priority);
        if (marked[i] !== true) continue;
        await redis.send((pipeline) => pipeline.del(this.keys.overflow(lane)));
        relieved = true;
      } else {
        this.remember(lane, row);
        await redis.send((pipeline) => pipeline.set(this.keys.overflow(lane), '1'));
      }
    }
    return relieved;
  }

  private push(lane: Lane, ids: readonly string[]): Promise<number> {
    return this.options.dispatcher.pushAsRelay(this.options.redis, this.keys, lane, ids);
  }

  private remember(lane: Lane, row: DueRow | undefined): void {
    if (row?.last_run_at == null || row.last_id == null) return;
    this.tails.set(lane.priority, { runAt: row.last_run_at, id: row.last_id });
  }

  private async readLists(): Promise<string[][]> {
    const lists = await this.options.redis.send((pipeline) => {
      for (const lane of this.lanes()) pipeline.lrange(this.keys.list(lane), 0, -1);
      return pipeline;
    });
    return lists as string[][];
  }

  private lanes(): Lane[] {
    return PRIORITY_NUMBERS.map((priority) => ({ queue: this.queue, priority }));
  }
}

/** `{1,2,3}` as PostgreSQL writes it. */
function parseIds(ids: string | null | undefined): string[] {
  return ids == null || ids === '{}' ? [] : ids.slice(1, -1).split(',');
}

function field(info: unknown, name: string): string {
  return new RegExp(`^${name}:(\\S+)`, 'm').exec(String(info))?.[1] ?? '';
}
