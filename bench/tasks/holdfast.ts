import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../app/src/tasks';
import type { TaskLogger, Tasks, Worker } from '../../app/src/tasks';
import type { Addresses, Contender } from './contender';
import { CONCURRENCY, SINGLE_CALLERS } from './contender';

/*
 * Holdfast as its users get it: every option of `createTasks` and `startWorker` is the default, but for the worker's
 * concurrency and, in the accepting process, one PostgreSQL connection for each of the callers that wait for a
 * transaction of their own.
 */
const noop = defineTask({ name: 'noop', payload: z.object({ n: z.number(), at: z.number() }) });

const silent = () => undefined;
const logger: TaskLogger = {
  debug: silent,
  info: silent,
  warn: silent,
  // On stderr of the process that measures: an error during a benchmark is never to be overlooked.
  error: (fields, message) => console.error(message, fields),
};

function open({ postgresUrl, redisUrl }: Addresses, connections?: number): Tasks {
  const pool = connections === undefined ? {} : { max: connections };
  return createTasks({ postgres: { connectionString: postgresUrl, ...pool }, redisUrl, logger });
}

export const holdfast: Contender = {
  openProducer: (addresses) => {
    const tasks = open(addresses, SINGLE_CALLERS);
    return Promise.resolve({
      single: (payload) => tasks.transaction((tx) => tasks.accept(tx, noop, payload)),
      coalesced: (payload) => tasks.accept(noop, payload),
      batch: (payloads) => tasks.acceptMany(noop, payloads),
      close: () => tasks.close(),
    });
  },

  openConsumer: (addresses, handler) => {
    const tasks = open(addresses);
    let worker: Worker | undefined;
    // eslint-disable-next-line @typescript-eslint/require-await -- a no-op handler is still an async function
    const run = handle(noop, async ({ payload }) => handler(payload));
    return Promise.resolve({
      start: async () => {
        worker = await tasks.startWorker({
          handlers: [run],
          queues: [{ name: noop.queue }],
          concurrency: CONCURRENCY,
        });
      },
      stop: async () => worker?.stop(),
      completed: () => tasks.metrics()['done'] ?? 0,
      close: () => tasks.close(),
    });
  },
};
