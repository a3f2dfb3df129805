import { z } from 'zod';
import type { PostgresServer } from '../../../local/servers/postgres-server';
import { createTasks, defineTask, handle, migrate } from '../../../src/tasks';
import type { Tasks, Worker } from '../../../src/tasks';
import { monotonicMs } from '../../../src/tasks/pause';
import { startPrivatePostgres } from '../../servers/private-servers';
import { gate } from '../support/gate';
import { recordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

const LEASE_SECONDS = 2;
const probe = defineTask({ name: 'probe', payload: z.object({ effect: z.boolean() }) });

let postgres: PostgresServer;
let tasks: Tasks;

beforeAll(async () => {
  postgres = await startPrivatePostgres();
  await migrate({ connectionString: postgres.url });
  const logger = recordingLogger();
  tasks = createTasks({
    postgres: { connectionString: postgres.url },
    logger,
    leaseSeconds: LEASE_SECONDS,
    heartbeatSeconds: LEASE_SECONDS / 4,
  });
});
afterAll(async () => {
  await tasks.close();
  await postgres.stop();
});

it.each(['stopped', 'killed'])(
  'PostgreSQL is %s for longer than a lease while tasks end: their ends are written later, and nobody is reaped',
  async (how) => {
    await tasks.transaction((tx) => tx.query('drop table if exists effect; create table effect (task uuid)'));
    const returned = gate();
    const running = new Set<string>();
    const run = handle(probe, async (context) => {
      running.add(context.taskId);
      if (context.payload.effect) {
        context.effects((tx) => tx.query('insert into effect values ($1)', [context.taskId]));
      }
      await returned.opened;
    });
    const queues = [{ name: 'default' }];
    const workers: Worker[] = [];
    for (let i = 0; i < 2; i += 1) workers.push(await tasks.startWorker({ handlers: [run], queues, concurrency: 10 }));
    const workerIds = workers.map((worker) => worker.id);
    const payloads = Array.from({ length: 20 }, (_, i) => ({ effect: i % 2 === 0 }));
    const ids = (await tasks.acceptMany(probe, payloads)).map((task) => task.id);
    await until('all run', () => running.size === ids.length);

    await (how === 'killed' ? postgres.kill() : postgres.stop());
    const awayMs = monotonicMs();
    returned.open();
    await until('it was away for longer than a lease', () => monotonicMs() - awayMs > LEASE_SECONDS * 1200);
    await postgres.restart();

    for (const id of ids) {
      const task = await until('it is done', async () => {
        const found = await tasks.get(id).catch(() => undefined);
        return found?.state === 'done' && found;
      });
      expect(task.attempts).toHaveLength(1);
    }
    const written = await tasks.transaction((tx) => tx.query('select distinct task from effect'));
    expect(written.rows).toHaveLength(ids.length / 2);
    const all = await tasks.transaction((tx) => tx.query('select from effect'));
    expect(all.rows).toHaveLength(ids.length / 2);
    // They have lost their leases meanwhile, but nobody else has expired them.
    expect(workers.map((worker) => worker.id)).toEqual(workerIds);
    expect(tasks.metrics().reaped).toBe(0);
    await Promise.all(workers.map((worker) => worker.stop()));
  },
);
