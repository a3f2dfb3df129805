import { isDeepStrictEqual } from 'node:util';
import { Registry } from 'prom-client';
import { pino } from 'pino';
import { describeEngine } from '../../src/metrics/engine-metrics';
import { describeLedger } from '../../src/metrics/ledger-metrics';
import { startMetricsServer } from '../../src/metrics/metrics-server';
import { reportQueues } from '../../src/queues/queue-report';
import { ADMIN, eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { probe } from '../../src/probes/probe.task';

interface QueuesAnswer {
  readonly queues: readonly { readonly name: string; readonly backlog: number }[];
  readonly workers: readonly { readonly id: string }[];
}

describe('queues and workers', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.tasks.acceptMany(
      probe,
      [1, 2, 3].map(() => ({ runMs: 0, failTimes: 0 })),
      { queue: 'nobody' },
    );
    await test_.tasks.accept(
      probe,
      { runMs: 0, failTimes: 0 },
      { queue: 'nobody', runAt: new Date(Date.now() + 3_600_000) },
    );
    await test_.startWorker();
  });
  afterAll(() => test_.close());

  test('are shown by GET /api/queues', async () => {
    const answer = await eventually(async () => {
      const response = await test_.request({ method: 'GET', url: '/api/queues' });
      const found = response.json<QueuesAnswer>();
      return found.workers.length === 1 && found.queues.some(({ name }) => name === 'nobody') ? found : undefined;
    }, 'worker and queue are shown');
    expect(answer.queues.find(({ name }) => name === 'nobody')).toEqual({
      name: 'nobody',
      backlog: 3,
      scheduled: 1,
      ...{ waiting: 0, running: 0, parked: 0, dead: 0, pausedAt: null, maxRunning: null, rateLimit: null },
      oldestAgeSeconds: expect.any(Number) as unknown,
    });
    expect(answer.workers).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
        kind: 'default',
        queues: ['default', 'imports', 'reminders', 'images', 'collect', 'probes'],
        concurrency: 10,
        running: 0,
        source: expect.stringMatching(/^(redis|postgres)$/) as unknown,
        draining: false,
        heartbeatAgeSeconds: expect.any(Number) as unknown,
        startedAt: expect.stringMatching(/Z$/) as unknown,
      },
    ]);
  });

  test('show on which host and in which process workers run to administrators only', async () => {
    const worker = async (headers: Record<string, string>) =>
      (await test_.request({ method: 'GET', url: '/api/queues', headers })).json<QueuesAnswer>().workers[0];
    expect(await worker(ADMIN)).toMatchObject({ host: expect.any(String) as unknown, pid: process.pid });
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      expect(await worker(headers)).toBeDefined();
      expect(await worker(headers)).not.toHaveProperty('host');
      expect(await worker(headers)).not.toHaveProperty('pid');
    }
  });

  test('are paused, resumed and limited by administrators', async () => {
    const set = async (method: 'POST' | 'PUT', action: string, payload?: object): Promise<void> => {
      const url = `/api/queues/set-by-hand/${action}`;
      const response = await test_.request({ method, url, headers: ADMIN, ...(payload !== undefined && { payload }) });
      expect({ status: response.statusCode, body: response.body }).toEqual({ status: 204, body: '' });
    };
    const shown = (expected: object) =>
      eventually(async () => {
        const response = await test_.request({ method: 'GET', url: '/api/queues' });
        const queue = response.json<QueuesAnswer>().queues.find(({ name }) => name === 'set-by-hand');
        return queue !== undefined && isDeepStrictEqual({ ...queue, ...expected }, queue) ? queue : undefined;
      }, 'what was set is shown');
    await set('POST', 'pause');
    await set('PUT', 'limits', { maxRunning: 3, rateLimit: { count: 5, perSeconds: 0.5 } });
    const queue = await shown({ maxRunning: 3, rateLimit: { count: 5, perSeconds: 0.5 } });
    expect(queue).toMatchObject({ pausedAt: expect.stringMatching(/Z$/) as unknown });
    await set('PUT', 'limits', { rateLimit: null });
    await set('POST', 'resume');
    await shown({ pausedAt: null, maxRunning: 3, rateLimit: null });
    await set('PUT', 'limits', { maxRunning: null });
  });

  test('are the same in the metrics, with what the engine counted', async () => {
    const registry = new Registry();
    const server = await startMetricsServer({
      registry,
      refresh: [describeEngine(registry, test_.tasks), describeLedger(registry, test_.tasks)],
      host: '127.0.0.1',
      port: 0,
      logger: pino({ level: 'silent' }),
    });
    const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
    try {
      for (let scrape = 0; scrape < 2; scrape += 1) {
        const response = await get('/metrics');
        expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
        const text = await response.text();
        expect(text).toContain('holdfast_queue_backlog_tasks{queue="nobody"} 3\n');
        expect(text).toContain('holdfast_queue_scheduled_tasks{queue="nobody"} 1\n');
        expect(text).toMatch(/^holdfast_queue_oldest_age_seconds\{queue="nobody"\} \d/m);
        expect(text).toMatch(/^holdfast_workers\{kind="default",source="(redis|postgres)",draining="false"\} 1$/m);
        expect(text).toMatch(
          /^holdfast_worker_concurrency_tasks\{worker="[0-9a-f-]{36}",host=".+",kind="default"\} 10$/m,
        );
        expect(text).toContain('holdfast_ledger_reachable 1\n');
        expect(text).toMatch(/^holdfast_ledger_table_bytes\{table="task"\} [1-9]\d{3,}$/m);
        expect(text).toMatch(/^holdfast_ledger_index_bytes\{table="task"\} [1-9]\d{3,}$/m);
        expect(text).toMatch(/^holdfast_ledger_dead_rows\{table="claim"\} \d+$/m);
        expect(text).toMatch(/^holdfast_ledger_oldest_finished_age_seconds \d/m);
        expect(text).toMatch(/^holdfast_ledger_since_pruned_seconds \d/m);
        expect(text).toMatch(/^# TYPE holdfast_engine_accepted_total counter\nholdfast_engine_accepted_total [34]$/m);
      }
      expect(await (await get('/healthz')).json()).toEqual({ status: 'up' });
      expect((await get('/nothing')).status).toBe(404);
      expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
    } finally {
      await server.close();
    }
  });

  test('leave only their reachability in the metrics while the database is away', async () => {
    const registry = new Registry();
    let isAway = false;
    const refresh = describeLedger(registry, {
      ledgerHealth: () => test_.tasks.ledgerHealth(),
      status: () => (isAway ? Promise.reject(new Error('connection refused')) : test_.tasks.status()),
    });
    await refresh();
    expect(await registry.metrics()).toContain('holdfast_queue_backlog_tasks{queue="nobody"} 3');
    isAway = true;
    await refresh();
    const text = await registry.metrics();
    expect(text).toContain('holdfast_ledger_reachable 0\n');
    expect(text).not.toMatch(/^holdfast_(queue|worker|ledger_table)/m);
  });

  test('are logged by the scheduler in one line', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger = pino({}, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
    const report = reportQueues(test_.tasks, logger);
    await report.stop();
    expect(lines).toEqual([
      expect.objectContaining({
        msg: 'queues',
        backlog: 3,
        running: 0,
        dead: 0,
        workers: 1,
        oldestAgeSeconds: expect.any(Number) as unknown,
      }),
    ]);
  });
});
