import { setTimeout as sleep } from 'node:timers/promises';
import type { JobType } from 'bullmq';
import { Queue, Worker } from 'bullmq';
import { Pool } from 'pg';
import { BULLMQ_STALLED, bullmqConnection } from '../../tasks/bullmq';
import { dieOf } from './settings';
import type { Programs } from './settings';

export const BULLMQ_QUEUE = 'work';
/** Those in which a job still waits for being done. */
export const BULLMQ_STATES: JobType[] = ['waiting', 'active', 'delayed', 'prioritized'];

interface Payload {
  readonly key: number;
}

/**
 * BullMQ as its documentation has it in production, each from the page named; what is not here is the default.
 * - https://docs.bullmq.io/guide/going-to-production: `enableOfflineQueue: false` where callers wait,
 *   `maxRetriesPerRequest: null` in workers, finished jobs removed, an `error` listener
 * - https://docs.bullmq.io/guide/queues/auto-removal-of-jobs: a handful of completed jobs, more of the failed ones
 * - https://docs.bullmq.io/guide/retrying-failing-jobs: attempts with exponential backoff
 * - https://docs.bullmq.io/guide/workers/graceful-shutdown: `close()` at SIGTERM
 * - https://docs.bullmq.io/guide/workers/stalled-jobs: lockDuration 10 s, stalledInterval 5 s, maxStalledCount 1,000
 */
export const bullmq: Programs = {
  producer: async ({ postgresUrl, redisUrl, connections }) => {
    const pool = new Pool({ connectionString: postgresUrl, max: connections });
    const queue = new Queue<Payload>(BULLMQ_QUEUE, {
      connection: { ...bullmqConnection(redisUrl), enableOfflineQueue: false },
      defaultJobOptions: {
        attempts: 3,
        backoff: { type: 'exponential', delay: 1_000 },
        removeOnComplete: 1_000,
        removeOnFail: 5_000,
      },
    });
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    return async (key) => {
      await pool.query('insert into request (key) values ($1)', [key]);
      await queue.add('work', { key });
    };
  },
  worker: async (settings) => {
    const { postgresUrl, redisUrl, concurrency, halfMs, name } = settings;
    const pool = new Pool({ connectionString: postgresUrl, max: concurrency });
    const worker = new Worker<Payload>(
      BULLMQ_QUEUE,
      async ({ data }) => {
        await dieOf(data.key, settings);
        await sleep(halfMs);
        await pool.query('insert into effect (key, worker) values ($1, $2)', [data.key, name]);
        await sleep(halfMs);
      },
      { connection: { ...bullmqConnection(redisUrl), maxRetriesPerRequest: null }, concurrency, ...BULLMQ_STALLED },
    );
    worker.on('error', () => undefined);
    await worker.waitUntilReady();
    return () => worker.close();
  },
};
