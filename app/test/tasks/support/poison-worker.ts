import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';

/* A worker process that one kind of task kills, after others have begun beside it. Its tasks leave a row each. */

export const poison = defineTask({ name: 'poison', payload: z.object({}) });
export const innocent = defineTask({ name: 'innocent', payload: z.object({}) });

async function main(databaseUrl: string): Promise<void> {
  const say = (fields: object, message: string): void => void process.stderr.write(`${message} ${inspect(fields)}\n`);
  const logger = { debug: () => undefined, info: say, warn: say, error: say };
  const tasks = createTasks({
    postgres: { connectionString: databaseUrl },
    ...{ heartbeatSeconds: 0.3, leaseSeconds: 2, logger },
  });
  let neighbours = 0;
  const kills = handle(poison, async () => {
    for (let waits = 0; neighbours < 3 && waits < 20; waits += 1) await sleep(10);
    process.kill(process.pid, 'SIGKILL');
    await sleep(60_000);
  });
  const works = handle(innocent, async ({ taskId, effects }) => {
    neighbours += 1;
    await sleep(50);
    neighbours -= 1;
    effects((tx) => tx.query('insert into effect values ($1)', [taskId]));
  });
  await tasks.startWorker({ handlers: [kills, works], queues: [{ name: 'default' }], concurrency: 8 });
}

if (require.main === module) void main(process.argv[2] ?? '');
