import { z } from 'zod';
import { createTasks, defineTask, handle } from '../../../src/tasks';

/*
 * A process that runs one task, closes the engine and then has nothing more to do. It does not call process.exit: that
 * it ends is what is tested.
 */
async function main(databaseUrl: string, redisUrl: string): Promise<void> {
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const tasks = createTasks({ postgres: { connectionString: databaseUrl }, redisUrl, logger: quiet });
  const probe = defineTask({ name: 'probe', payload: z.object({}), timeLimitSeconds: 3_600 });
  const ran = new Promise<void>((resolve) => {
    const run = handle(probe, (context) => {
      context.progress(1);
      resolve();
      return Promise.resolve();
    });
    void tasks.startWorker({ handlers: [run], queues: [{ name: 'default' }] }).then(() => tasks.accept(probe, {}));
  });
  await ran;
  await tasks.close();
  process.stdout.write('closed\n');
}

const [databaseUrl = '', redisUrl = ''] = process.argv.slice(2);
void main(databaseUrl, redisUrl);
