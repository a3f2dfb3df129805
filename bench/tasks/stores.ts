import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { migrate } from '../../app/src/tasks';
import { BULLMQ_QUEUE, bullmqConnection } from './bullmq';
import type { Addresses, ContenderName } from './contender';

/** Both servers' contents: emptied before each measurement, asked after it whether every task is done. */
export class Stores {
  private constructor(
    private readonly addresses: Addresses,
    private readonly postgres: Client,
    private readonly redis: Redis,
  ) {}

  static async open(addresses: Addresses): Promise<Stores> {
    await migrate({ connectionString: addresses.postgresUrl });
    const postgres = new Client({ connectionString: addresses.postgresUrl });
    await postgres.connect();
    return new Stores(addresses, postgres, new Redis(addresses.redisUrl));
  }

  /**
   * Empties both, whichever contender comes next: what one has left must not burden the other. The checkpoint writes
   * out what PostgreSQL would otherwise write during the next measurement.
   */
  async empty(): Promise<void> {
    await this.postgres.query(
      'truncate holdfast.task, holdfast.attempt, holdfast.dependency, holdfast.claim, holdfast.worker',
    );
    await this.postgres.query('checkpoint');
    await this.redis.flushall('SYNC');
  }

  /** @throws Error when not exactly the `accepted` tasks are done, and nothing else is there. */
  async verify(contender: ContenderName, accepted: number): Promise<void> {
    const counts = contender === 'holdfast' ? await this.ledgerCounts() : await this.bullmqCounts(accepted);
    const wrong = Object.entries(counts).filter(([state, count]) => count !== (state === 'done' ? accepted : 0));
    if (wrong.length === 0 && counts['done'] !== undefined) return;
    const found = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
    throw new Error(`${contender}: ${accepted} tasks were accepted, but its store says: ${found.join(', ')}`);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.postgres.end();
  }

  private async ledgerCounts(): Promise<Record<string, number>> {
    const answer = await this.postgres.query<{ state: string; count: number }>(
      'select state, count(*)::float8 as count from holdfast.task group by state',
    );
    return Object.fromEntries(answer.rows.map(({ state, count }) => [state, count]));
  }

  /** BullMQ keeps only the last finished jobs, so done is what is neither waiting nor failed. */
  private async bullmqCounts(accepted: number): Promise<Record<string, number>> {
    const queue = new Queue(BULLMQ_QUEUE, { connection: bullmqConnection(this.addresses.redisUrl) });
    try {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'failed');
      const left = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return { ...counts, done: accepted - left };
    } finally {
      await queue.close();
    }
  }
}
