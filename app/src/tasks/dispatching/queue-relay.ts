import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { PRIORITY_NUMBERS } from '../lanes';
import type { Lane, RedisKeys } from '../lanes';
import { shownError } from './redis-connection';
import type { RelayOptions } from './relay';

export const RELAY_STATEMENTS = ['due', 'due_after', 'position', 'closed', 'lead'] as const;
export type RelayStatements = Readonly<Record<(typeof RELAY_STATEMENTS)[number], string>>;

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

/** The relay of one queue, run by the worker that leads it. Remembers nothing that it could not find out again. */
export class QueueRelay {
  /** Lanes of which the ledger holds more than the window, and the last task of each that was pushed. */
  private readonly tails = new Map<number, Position>();

  constructor(
    private readonly queue: string,
    private readonly keys: RedisKeys,
    private readonly statements: RelayStatements,
    private readonly options: RelayOptions,
    /** Queues that had a generation when this process looked: to have none is a loss then, and not the beginning. */
    private readonly begun = new Set<string>(),
  ) {}

  get overflows(): boolean {
    return this.tails.size > 0;
  }

  /**
   * Compares the oldest due tasks with what the lists hold and pushes what is missing. This alone repairs every loss;
   * the comparison of identities only makes it known and clears lists that came back from the past.
   */
  async look(session: Client): Promise<void> {
    if ((await session.query(this.statements.closed, [this.queue])).rowCount !== 0) return this.empty();
    const lanes = this.lanes();
    const [generation, server, replication, ...lists] = await this.readRedis();
    const life = `${field(server, 'run_id')} ${field(replication, 'master_replid')}`;
    const emptied = await this.afterLosses(generation as string | null, life);
    const held = lanes.map((_, i) => (emptied ? [] : (lists[i] as string[])));
    const marked = lanes.map((_, i) => emptied || lists[lanes.length + i] === 1);
    const relieved = await this.pushMissing(session, held, marked);
    if (!relieved) return;
    // What acceptors left to the relay before the mark went is in the ledger by now: look once more, so that it is
    // pushed before what they push themselves from here on.
    await this.pushMissing(session, await this.readLists(), []);
  }

  /**
   * Nothing of a paused or limited queue is started from its lists. Emptied and marked as overflowing they stay empty but for
   * tasks that come back from workers, and when it is open again everything else comes in the ledger's order: nobody has
   * pushed a new task before the old ones.
   */
  private async empty(): Promise<void> {
    this.tails.clear();
    await this.options.redis.send((pipeline) => {
      for (const lane of this.lanes()) pipeline.del(this.keys.list(lane)).set(this.keys.overflow(lane), '1');
      return pipeline;
    });
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
      const pushed = await this.push(lane, ids);
      if (pushed === ids.length) this.remember(lane, row);
      // What came back into the list meanwhile took up the room.
      else if (pushed > 0) await this.rememberPosition(session, lane, ids[pushed - 1]);
    }
  }

  /** Generation, server, replication, then each lane's list, then each lane's mark. */
  private async readRedis(): Promise<unknown[]> {
    const { redis, logger } = this.options;
    const read = (): Promise<unknown[]> =>
      redis.send((pipeline) => {
        pipeline.get(this.keys.generation(this.queue)).info('server').info('replication');
        for (const lane of this.lanes()) pipeline.lrange(this.keys.list(lane), 0, -1);
        for (const lane of this.lanes()) pipeline.exists(this.keys.overflow(lane));
        return pipeline;
      });
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('WRONGTYPE')) throw error;
      // Somebody wrote into our keys. Nothing that was there is needed, and without it everything goes on as after a loss.
      logger.warn(
        { queue: this.queue, err: shownError(error) },
        'a key of the queue was no list any more and was deleted',
      );
      const lists = this.lanes().map((lane) => this.keys.list(lane));
      await redis.send((pipeline) => pipeline.del(this.keys.generation(this.queue), ...lists));
      return read();
    }
  }

  /**
   * The generation names the life of the Redis that the lists were made in, so that whoever leads next can tell that this is
   * another one (docs/adr/0001).
   * @returns whether Redis had lost or replaced its data: the lists are empty then and marked as overflowing.
   */
  private async afterLosses(generation: string | null, life: string): Promise<boolean> {
    const { redis, counters, logger } = this.options;
    const lost = generation === null ? this.begun.has(this.queue) : !generation.endsWith(` ${life}`);
    if (generation !== null && !lost) {
      this.begun.add(this.queue);
      return false;
    }
    // The lists are hints: what they hold may come from an older life of this Redis, and the ledger knows better.
    // Marked, so that no acceptor pushes a new task before the old ones are in the lists again.
    await redis.send((pipeline) => {
      for (const lane of this.lanes()) pipeline.del(this.keys.list(lane)).set(this.keys.overflow(lane), '1');
      return pipeline.set(this.keys.generation(this.queue), `${randomUUID()} ${life}`);
    });
    this.begun.add(this.queue);
    if (lost) {
      counters.redisRebuilds += 1;
      logger.warn({ queue: this.queue }, 'redis lost or replaced its data; handing over again from the ledger');
    }
    return true;
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
      const left = new Set(missing.slice(await this.push(lane, missing)));
      if (ids.length < window && left.size === 0) {
        this.tails.delete(lane.priority);
        if (marked[i] !== true) continue;
        await redis.send((pipeline) => pipeline.del(this.keys.overflow(lane)));
        relieved = true;
      } else {
        if (left.size === 0) this.remember(lane, row);
        else
          await this.rememberPosition(
            session,
            lane,
            ids.findLast((id) => !left.has(id)),
          );
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

  /** Other ids took up the room: refills go on behind the last task that is in the list, or wait for the next look. */
  private async rememberPosition(session: Client, lane: Lane, id: string | undefined): Promise<void> {
    this.tails.delete(lane.priority);
    if (id === undefined) return;
    const row = (await session.query<{ run_at: string }>(this.statements.position, [id])).rows[0];
    if (row !== undefined) this.tails.set(lane.priority, { runAt: row.run_at, id });
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
