import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { createDatabase, redisUrl } from '../servers/databases';
import type { TestDatabase } from '../servers/databases';
import { testFolder } from '../servers/private-servers';
import { eventually } from '../http/test-app';
import { killEntryPoints, line, runEntryPoint } from './entry-point';
import type { Running } from './entry-point';

const TOKEN = 'a-token-for-tests-0123';

let database: TestDatabase;
let environment: Record<string, string>;

beforeAll(async () => {
  database = await createDatabase();
  environment = {
    DATABASE_URL: database.url,
    QUEUE_REDIS_URL: redisUrl(2),
    OBJECTS_URL: pathToFileURL(join(testFolder('objects'), 'store')).href,
    ADMIN_TOKEN: TOKEN,
    PROBES: 'on',
    LISTEN_HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    DRAIN_SECONDS: '10',
    HEARTBEAT_SECONDS: '0.5',
    LEASE_SECONDS: '2',
  };
  expect(await run('migrate').exit).toBe(0);
});
afterEach(killEntryPoints);
afterAll(() => database.drop());

const run = (kind: string, overrides: Record<string, string> = {}, words: readonly string[] = []): Running =>
  runEntryPoint(kind, { ...environment, ...overrides }, words);

async function query(text: string): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query(text);
  await client.end();
}

async function startWeb(overrides: Record<string, string> = {}): Promise<{ web: Running; url: string }> {
  const web = run('web', overrides);
  const { msg } = await line(web, /^web listening at /);
  return { web, url: String(msg).replace('web listening at ', '') };
}

async function acceptProbes(url: string, body: object): Promise<readonly string[]> {
  const response = await fetch(`${url}/api/probes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { taskIds: string[] }).taskIds;
}

describe('the entry points', () => {
  test.each(['web', 'worker', 'scheduler', 'migrate'])('%s refuses a wrong configuration with 78', async (kind) => {
    const refused = run(kind, { DATABASE_URL: 'mysql://user:hunter2@db/x', LOG_LEVEL: 'loud' });
    expect(await refused.exit).toBe(78);
    expect(refused.errors()).toBe(
      'The configuration is wrong:\n' +
        '  DATABASE_URL is not a PostgreSQL address; write postgres://user:password@host:port/database.\n' +
        '  LOG_LEVEL is "loud"; allowed is fatal, error, warn, info, debug, trace, silent.\n',
    );
    expect(refused.lines()).toEqual([]);
  });

  test('migrate may run many times at once', async () => {
    const runs = [run('migrate'), run('migrate')];
    expect(await Promise.all(runs.map(({ exit }) => exit))).toEqual([0, 0]);
    expect(runs[0]?.lines().at(-1)).toMatchObject({ msg: 'migrations done', engine: [], app: [], process: 'migrate' });
  });

  test('migrate --new-epoch gives the ledger new keys in Redis; without it the epoch stays', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const epoch = async () =>
      (await client.query<{ epoch: string }>('select epoch from holdfast.ledger')).rows.map((row) => row.epoch);
    try {
      const before = await epoch();
      expect(await run('migrate').exit).toBe(0);
      expect(await epoch()).toEqual(before);
      const restored = run('migrate', {}, ['--new-epoch']);
      expect(await restored.exit).toBe(0);
      const said = await line(restored, /^the ledger has a new epoch$/);
      expect(await epoch()).toEqual([said['epoch']]);
      expect(said['epoch']).not.toBe(before[0]);

      const mistyped = run('migrate', {}, ['--newepoch']);
      expect(await mistyped.exit).toBe(2);
      expect(mistyped.errors()).toBe('migrate: "--newepoch" is not known; allowed is --new-epoch, after a restore.\n');
      expect(await epoch()).toEqual([said['epoch']]);
    } finally {
      await client.end();
    }
  });

  test('migrate fails at once when the password is wrong', async () => {
    const url = new URL(database.url);
    url.pathname = '/no_such_database';
    const failed = run('migrate', { DATABASE_URL: url.href });
    expect(await failed.exit).toBe(1);
    expect(failed.lines().at(-1)).toMatchObject({ level: 'fatal', msg: 'migrations failed' });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('web and worker do probes, and stop at %s with 0', async (signal) => {
    const { web, url } = await startWeb();
    const worker = run('worker');
    const [id] = await acceptProbes(url, { count: 1 });
    await eventually(async () => {
      const task = (await (await fetch(`${url}/api/tasks/${id ?? ''}`)).json()) as { state: string };
      return task.state === 'done' ? true : undefined;
    }, 'the probe is done');
    web.child.kill(signal);
    worker.child.kill(signal);
    expect(await Promise.all([web.exit, worker.exit])).toEqual([0, 0]);
    for (const running of [web, worker]) {
      expect(running.lines().at(-1)).toMatchObject({ msg: 'stopped', durationMs: expect.any(Number) as unknown });
      expect(running.errors()).toBe('');
    }
  });

  test('scheduler logs the queues, serves metrics, and stops with 0', async () => {
    const scheduler = run('scheduler');
    const { port } = await line(scheduler, /^metrics listening$/);
    await line(scheduler, /^queues$/);
    await line(scheduler, /^schedule begins$/);
    const metrics = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    expect(metrics).toContain('holdfast_ledger_reachable 1\n');
    expect(metrics).toMatch(/^process_cpu_seconds_total /m);
    scheduler.child.kill('SIGTERM');
    expect(await scheduler.exit).toBe(0);
  });

  test('a stopping worker lets its task finish', async () => {
    const { url } = await startWeb();
    const worker = run('worker');
    const [id] = await acceptProbes(url, { count: 1, runMs: 1500 });
    const task = async () =>
      (await (await fetch(`${url}/api/tasks/${id ?? ''}`)).json()) as { state: string; attempt: number };
    await eventually(async () => ((await task()).state === 'running' ? true : undefined), 'the probe runs');
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(0);
    expect(await task()).toMatchObject({ state: 'done', attempt: 1 });
  });

  test('a worker of which others say that a handler hangs lets its other tasks finish, says so and exits with 1', async () => {
    const { url } = await startWeb();
    const worker = run('worker');
    const [id] = await acceptProbes(url, { count: 1, runMs: 1500 });
    const task = async () =>
      (await (await fetch(`${url}/api/tasks/${id ?? ''}`)).json()) as { state: string; attempt: number };
    await eventually(async () => ((await task()).state === 'running' ? true : undefined), 'the probe runs');
    await query('update holdfast.worker set hung_at = now()');
    expect(await worker.exit).toBe(1);
    const said = worker.lines().filter(({ level }) => level === 'error' || level === 'fatal');
    expect(said.map(({ msg }) => msg)).toEqual(['worker takes no more tasks: a handler hangs', 'failed, stopping']);
    expect(await task()).toMatchObject({ state: 'done', attempt: 1 });
  });

  test('a second signal ends a worker at once', async () => {
    const { url } = await startWeb();
    const worker = run('worker');
    const [id] = await acceptProbes(url, { count: 1, runMs: 60_000 });
    await eventually(async () => {
      const task = (await (await fetch(`${url}/api/tasks/${id ?? ''}`)).json()) as { state: string };
      return task.state === 'running' ? true : undefined;
    }, 'the probe runs');
    worker.child.kill('SIGTERM');
    await line(worker, /^stopping$/);
    worker.child.kill('SIGTERM');
    expect(await worker.exit).toBe(1);
    expect(worker.lines().at(-1)).toMatchObject({ level: 'fatal', msg: 'second signal, exiting at once' });
  });

  test('a stopping web process finishes the open upload and refuses new connections', async () => {
    const { web, url } = await startWeb();
    const answer = new Promise<number>((resolve, reject) => {
      const request = httpRequest(
        `${url}/api/imports`,
        { method: 'POST', headers: { 'content-type': 'text/csv' } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.on('error', reject);
      request.write('Title,Release Date\n');
      void (async () => {
        // Its headers have certainly arrived when a later request has been answered.
        await fetch(`${url}/healthz`);
        web.child.kill('SIGTERM');
        await eventually(
          () =>
            fetch(`${url}/healthz`).then(
              () => undefined,
              () => true,
            ),
          'new connections are refused',
        );
        request.end('Up,May 29 2009\n');
      })();
    });
    expect(await answer).toBe(202);
    expect(await web.exit).toBe(0);
  });

  test('a port that is taken ends the process with a line that says so', async () => {
    const { url } = await startWeb();
    const second = run('web', { PORT: new URL(url).port });
    expect(await second.exit).toBe(1);
    expect(second.lines().at(-1)).toMatchObject({
      level: 'fatal',
      err: expect.objectContaining({ code: 'EADDRINUSE' }) as unknown,
    });
  });
});
