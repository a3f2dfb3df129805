import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { signal } from '../../local/servers/process-table';
import { eventually } from '../http/test-app';
import { redisUrl } from '../servers/databases';
import { startPrivatePostgres, testFolder } from '../servers/private-servers';
import { killEntryPoints, line, runEntryPoint } from './entry-point';

describe('a worker whose database is not there yet', () => {
  let postgres: Awaited<ReturnType<typeof startPrivatePostgres>>;
  let environment: Record<string, string>;

  beforeAll(async () => {
    postgres = await startPrivatePostgres();
    environment = {
      DATABASE_URL: postgres.url,
      QUEUE_REDIS_URL: redisUrl(2),
      OBJECTS_URL: pathToFileURL(join(testFolder('objects'), 'store')).href,
      LISTEN_HOST: '127.0.0.1',
      METRICS_PORT: '0',
    };
    expect(await runEntryPoint('migrate', environment).exit).toBe(0);
  });
  afterEach(killEntryPoints);
  afterAll(() => postgres.stop());

  test('starts when it comes, answering its health check meanwhile', async () => {
    await postgres.stop();
    const worker = runEntryPoint('worker', environment);
    expect(await line(worker, /^waiting for the database$/)).toMatchObject({
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
    const { port } = await line(worker, /^metrics listening$/);
    expect((await fetch(`http://127.0.0.1:${String(port)}/healthz`)).status).toBe(200);
    await postgres.restart();
    await line(worker, /^worker started$/);
  });

  test('starts when one that hangs goes on', async () => {
    signal(postgres.pid, 'SIGSTOP');
    const worker = runEntryPoint('worker', environment);
    expect(await line(worker, /^waiting for the database$/)).toMatchObject({ reason: 'timeout expired' });
    signal(postgres.pid, 'SIGCONT');
    await line(worker, /^worker started$/);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('stops at %s with 0 while it waits, and does not start', async (name) => {
    signal(postgres.pid, 'SIGSTOP');
    try {
      const worker = runEntryPoint('worker', { ...environment, DRAIN_SECONDS: '10' });
      await line(worker, /^waiting for the database$/);
      worker.child.kill(name);
      expect(await worker.exit).toBe(0);
      expect(worker.lines().at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
      // An attempt that it had waited for would have taken 2 s.
      expect(worker.lines().at(-1)?.['durationMs']).toBeLessThan(1000);
      expect(worker.errors()).toBe('');
    } finally {
      signal(postgres.pid, 'SIGCONT');
    }
  });

  test('stops with 0 while the database holds up its start', async () => {
    const [holder, watcher] = [1, 2].map(() => new Client({ connectionString: postgres.url })) as [Client, Client];
    await Promise.all([holder.connect(), watcher.connect()]);
    try {
      await holder.query('begin; lock table holdfast.queue in access exclusive mode');
      const worker = runEntryPoint('worker', { ...environment, DRAIN_SECONDS: '10' });
      const held = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name like '%worker%'`;
      await eventually(async () => {
        return (await watcher.query(held)).rowCount === 0 ? undefined : true;
      }, 'the worker waits for the lock');
      worker.child.kill('SIGTERM');
      expect(await worker.exit).toBe(0);
      expect(worker.lines().map(({ msg }) => msg)).not.toContain('worker started');
    } finally {
      await Promise.all([holder.end(), watcher.end()]);
    }
  });
});
