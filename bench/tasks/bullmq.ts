import { Queue, Worker } from 'bullmq';
import type { KeepJobs, RedisOptions } from 'bullmq';
import type { Contender, Payload } from './contender';
import { CONCURRENCY } from './contender';

/*
 * Bare BullMQ with the settings that its documentation recommends for production:
 * - producers fail fast instead of queueing while Redis is away (enableOfflineQueue false);
 * - workers retry for ever (maxRetriesPerRequest null, which BullMQ demands);
 * - finished jobs are removed but for the last 1,000: keeping all of them would make it slower and fill Redis;
 * - locks and checks for stalled jobs as short as Holdfast's heartbeat and lease, so that both bear the same duties.
 * Everything else is the default. The connections are BullMQ's own, of the ioredis that the project uses.
 */
export const BULLMQ_QUEUE = 'bench';
const KEEP: KeepJobs = { count: 1_000 };
/** Its defaults are 30 s, 30 s and 1, at which a job fails for good when its worker is lost a second time. */
export const BULLMQ_STALLED = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 1_000 } as const;

/** Options of a connection, from a URL without user and path. */
export function bullmqConnection(redisUrl: string): RedisOptions {
  const url = new URL(redisUrl);
  return { host: url.hostname, port: Number(url.port) };
}

export const bullmq: Contender = {
  openProducer: async ({ redisUrl }) => {
    const queue = new Queue<Payload>(BULLMQ_QUEUE, {
      connection: { ...bullmqConnection(redisUrl), enableOfflineQueue: false },
      defaultJobOptions: { removeOnComplete: KEEP },
    });
    await queue.waitUntilReady();
    return {
      single: (payload) => queue.add('noop', payload),
      // BullMQ has no way to let callers share a command: the same, from more callers at once.
      coalesced: (payload) => queue.add('noop', payload),
      batch: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'noop', data }))),
      close: () => queue.close(),
    };
  },

  openConsumer: ({ redisUrl }, handler) => {
    let worker: Worker<Payload> | undefined;
    let completed = 0;
    return Promise.resolve({
      start: async () => {
        // eslint-disable-next-line @typescript-eslint/require-await -- a no-op handler is still an async function
        worker = new Worker<Payload>(BULLMQ_QUEUE, async (job) => handler(job.data), {
          connection: { ...bullmqConnection(redisUrl), maxRetriesPerRequest: null },
          concurrency: CONCURRENCY,
          removeOnComplete: KEEP,
          ...BULLMQ_STALLED,
        });
        worker.on('completed', () => (completed += 1));
        worker.on('error', (error) => console.error('bullmq worker:', error));
        await worker.waitUntilReady();
      },
      stop: async () => worker?.close(),
      completed: () => completed,
      close: async () => worker?.close(),
    });
  },
};
