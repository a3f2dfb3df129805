import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../app/src/tasks';
import { dieOf } from './settings';
import type { Programs, Settings } from './settings';

const work = defineTask({ name: 'work', payload: z.object({ key: z.int() }) });

const silent = () => undefined;

function open({ postgresUrl, redisUrl }: Settings, connections?: number) {
  return createTasks({
    postgres: { connectionString: postgresUrl, ...(connections !== undefined && { max: connections }) },
    redisUrl,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
}

/** Holdfast as its users get it: the task is accepted in the caller's transaction, its effect is part of its end. */
export const holdfast: Programs = {
  producer: (settings) => {
    const tasks = open(settings, settings.connections);
    return async (key) => {
      await tasks.transaction(async (tx) => {
        await tx.query('insert into request (key) values ($1)', [key]);
        await tasks.accept(tx, work, { key });
      });
    };
  },
  worker: async (settings) => {
    const run = handle(work, async ({ payload, effects }) => {
      await dieOf(payload.key, settings);
      await sleep(settings.halfMs);
      effects((tx) => tx.query('insert into effect (key, worker) values ($1, $2)', [payload.key, settings.name]));
      await sleep(settings.halfMs);
    });
    const queues = [{ name: work.queue }];
    const tasks = open(settings);
    await tasks.startWorker({ handlers: [run], queues, concurrency: settings.concurrency });
    return () => tasks.close();
  },
};
