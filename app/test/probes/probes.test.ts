import { ADMIN, eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

interface Effect {
  readonly task_id: string;
  readonly attempt: number;
}

describe('POST /api/probes', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  async function post(payload: object): Promise<readonly string[]> {
    const response = await test_.request({ method: 'POST', url: '/api/probes', headers: ADMIN, payload });
    expect(response.statusCode).toBe(202);
    return response.json<{ taskIds: readonly string[] }>().taskIds;
  }

  test('accepts the largest count in one transaction, on a queue that nobody serves', async () => {
    const taskIds = await post({ count: 10_000, queue: 'nobody', priority: 'bulk' });
    expect(new Set(taskIds).size).toBe(10_000);
    const { queues } = await eventually(async () => {
      const status = await test_.tasks.status();
      return status.queues.some(({ name }) => name === 'nobody') ? status : undefined;
    }, 'the queue is listed');
    expect(queues.find(({ name }) => name === 'nobody')).toMatchObject({ backlog: 10_000, running: 0 });
    const transactions = await test_.database.query<{ count: number }>(
      `select count(distinct xmin::text)::integer as count from holdfast.task where queue = 'nobody'`,
    );
    expect(transactions.rows[0]?.count).toBe(1);
  });

  test('each probe leaves exactly one effect, also those that fail first', async () => {
    const steady = await post({ count: 50 });
    const failing = await post({ count: 5, failTimes: 2, runMs: 5, priority: 'high' });
    await test_.startWorker();
    for (const id of [...steady, ...failing]) expect(await untilFinished(test_.tasks, id)).toBe('done');
    const effects = await test_.database.query<Effect>('select task_id, attempt from app.probe_effect');
    const attempts = new Map(effects.rows.map(({ task_id, attempt }) => [task_id, attempt]));
    expect(effects.rows).toHaveLength(55);
    expect(steady.map((id) => attempts.get(id))).toEqual(steady.map(() => 1));
    expect(failing.map((id) => attempts.get(id))).toEqual(failing.map(() => 3));
    const task = await test_.tasks.get(failing[0]!);
    expect(task).toMatchObject({ maxAttempts: 25, priority: 'high', queue: 'probes', attempt: 3 });
    expect(task?.attempts[0]?.error).toBe('Error: attempt 1 of a probe that was asked to fail 2 times');
  });
});
