import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { signal } from '../../local/servers/process-table';
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
});
