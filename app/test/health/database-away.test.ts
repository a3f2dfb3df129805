import { execFileSync } from 'node:child_process';
import type { InjectOptions } from 'light-my-request';
import { ADMIN, eventually, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { startPrivatePostgres } from '../servers/private-servers';

const ID = '01234567-89ab-4cde-8f01-23456789abcd';
const FILE = '[{"Title":"Up","Release Date":"May 29 2009"}]';
/** What the issue allows a request to wait for PostgreSQL, and a little for a busy machine. */
const LIMIT_MS = 6000;

const REQUESTS: readonly InjectOptions[] = [
  { method: 'GET', url: '/api/films' },
  { method: 'GET', url: `/api/tasks/${ID}` },
  { method: 'GET', url: `/api/tasks/${ID}/events` },
  { method: 'GET', url: '/api/tasks', headers: ADMIN },
  { method: 'POST', url: `/api/tasks/${ID}/retry`, headers: ADMIN },
  { method: 'GET', url: `/api/imports/${ID}` },
  { method: 'GET', url: '/api/queues' },
  { method: 'POST', url: '/api/probes', headers: ADMIN, payload: { count: 3 } },
  { method: 'POST', url: '/api/imports', headers: { 'content-type': 'application/json' }, payload: FILE },
];

type Postgres = Awaited<ReturnType<typeof startPrivatePostgres>>;

describe('while PostgreSQL is away', () => {
  let postgres: Postgres;
  let test_: TestApp;
  beforeAll(async () => {
    postgres = await startPrivatePostgres();
    test_ = await startTestApp({ databaseUrl: postgres.url });
  });
  afterAll(async () => {
    await test_.close();
    await postgres.stop();
  });

  const ready = () => test_.request({ method: 'GET', url: '/readyz' });

  async function expectAllRefused(): Promise<void> {
    const began = performance.now();
    const responses = await Promise.all(REQUESTS.map((request) => test_.request(request)));
    expect(performance.now() - began).toBeLessThan(LIMIT_MS);
    for (const response of responses) {
      expectProblem(response, 503, /^The database /);
      expect(response.headers['retry-after']).toBe('2');
    }
    const health = await test_.request({ method: 'GET', url: '/healthz' });
    expect(health.json()).toEqual({ status: 'up' });
    const readiness = await ready();
    expect(readiness.statusCode).toBe(503);
    expect(readiness.json()).toMatchObject({ postgres: 'down' });
  }

  async function expectUntouched(): Promise<void> {
    await eventually(async () => ((await ready()).statusCode === 200 ? true : undefined), 'the app is ready again');
    expect((await test_.tasks.list()).items).toEqual([]);
    expect((await test_.database.query('select from app.import')).rowCount).toBe(0);
  }

  test('it is ready before', async () => {
    const redis = await eventually(async () => {
      const response = await ready();
      return response.json<{ redis: string }>().redis === 'up' ? response : undefined;
    }, 'Redis is reported');
    expect(redis.statusCode).toBe(200);
    expect(redis.json()).toEqual({ postgres: 'up', redis: 'up' });
  });

  test('stopped: every request is refused in time and leaves nothing; afterwards all is well', async () => {
    await postgres.stop();
    await expectAllRefused();
    await postgres.restart();
    await expectUntouched();
  });

  test('frozen: every request is refused in time and leaves nothing; afterwards all is well', async () => {
    // So that there are open connections to freeze; /api/queues would answer what it read a moment ago.
    await Promise.all([0, 1, 3].map((i) => test_.request(REQUESTS[i]!)));
    const family = [postgres.pid, ...childrenOf(postgres.pid)];
    for (const pid of family) process.kill(pid, 'SIGSTOP');
    try {
      await expectAllRefused();
    } finally {
      for (const pid of family) process.kill(pid, 'SIGCONT');
    }
    await expectUntouched();
  });

  test('answers that it has not been migrated while the tables are missing', async () => {
    await test_.database.query('alter schema app rename to elsewhere');
    expectProblem(await test_.request(REQUESTS[0]!), 503, 'The database has not been migrated yet; run the migration.');
    await test_.database.query('alter schema elsewhere rename to app');
    expect((await test_.request(REQUESTS[0]!)).statusCode).toBe(200);
  });
});

function childrenOf(pid: number): number[] {
  const output = execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString();
  const pairs = output
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child ?? 0);
}
