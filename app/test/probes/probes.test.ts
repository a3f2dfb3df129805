import { ADMIN, eventually, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

interface Effect {
  readonly task_id: string;
  readonly attempt: number;
}

describe('POST /api/probes', () => {
  let test_: TestApp;
  let working: Promise<void> | undefined;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  async function post(payload: object, headers: Record<string, string> = ADMIN): Promise<readonly string[]> {
    const response = await test_.request({ method: 'POST', url: '/api/probes', headers, payload });
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
    await (working ??= test_.startWorker());
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

  test('leaves a result or nothing in place of an effect when asked to', async () => {
    const [withResult] = await post({ count: 1, leaves: 'result' });
    const [bare] = await post({ count: 1, leaves: 'nothing' });
    await (working ??= test_.startWorker());
    for (const id of [withResult!, bare!]) expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect((await test_.tasks.get(withResult!))?.result).toEqual({ taskId: withResult, fence: 1 });
    expect((await test_.tasks.get(bare!))?.result).toBeNull();
    const effects = await test_.database.query('select from app.probe_effect where task_id = any ($1)', [
      [withResult, bare],
    ]);
    expect(effects.rowCount).toBe(0);
  });

  test.each([
    ['discard', 'cancelled', { error: 'Discard: a probe that was asked to be discarded', attempt: 1 }],
    ['non-retryable', 'dead', { error: expect.stringContaining('a probe that was asked to be dead') as unknown }],
    ['snooze', 'done', { attempt: 1 }],
  ])('with the outcome %s is %s', async (outcome, state, fields) => {
    const [id] = await post({ count: 1, outcome });
    await (working ??= test_.startWorker());
    expect(await untilFinished(test_.tasks, id!)).toBe(state);
    const task = (await test_.tasks.get(id!))!;
    expect(task).toMatchObject(fields);
    const sleptMs = task.startedAt!.getTime() - task.acceptedAt.getTime();
    if (outcome === 'snooze') expect(sleptMs).toBeGreaterThan(1_500);
  });

  test('calls nobody under an intent and a receipt: repeated, or parked until a person resolves it', async () => {
    const call = { count: 1, outcome: 'external', failTimes: 1 };
    const [repeated] = await post(call);
    const [parked] = await post({ ...call, onUnknown: 'park' });
    await (working ??= test_.startWorker());
    expect(await untilFinished(test_.tasks, repeated!)).toBe('done');
    expect(await test_.tasks.get(repeated!)).toMatchObject({ attempt: 2, effects: [{ key: 'probe' }] });
    await eventually(
      async () => ((await test_.tasks.get(parked!))?.state === 'parked' ? true : undefined),
      'it is parked',
    );
    const url = `/api/tasks/${parked!}/resolve`;
    const response = await test_.request({ method: 'POST', url, headers: ADMIN, payload: { outcome: 'sent' } });
    expect(response.statusCode).toBe(200);
    expect(await untilFinished(test_.tasks, parked!)).toBe('done');
    expect(await test_.tasks.get(parked!)).toMatchObject({ effects: [{ key: 'probe', resolved: true }] });
  });

  test('under a unique key is one task, put off and brought forward by replacing it; repeated requests are one', async () => {
    const body = (delaySeconds: number, replace: boolean) => ({
      ...{ count: 1, queue: 'later', delaySeconds, uniqueKey: { key: 'nightly', replace } },
    });
    const [id] = await post(body(3_600, false));
    const { runAt, uniqueKey } = (await test_.tasks.get(id!))!;
    expect(uniqueKey).toBe('nightly');
    expect(runAt.getTime()).toBeGreaterThan(Date.now() + 3_000_000);
    expect(await post(body(60, false))).toEqual([id]);
    expect((await test_.tasks.get(id!))!.runAt).toEqual(runAt);
    expect(await post(body(60, true))).toEqual([id]);
    expect((await test_.tasks.get(id!))!.runAt.getTime()).toBeLessThan(runAt.getTime());
    const again = { ...ADMIN, 'idempotency-key': 'once' };
    expect(await post({ count: 1, queue: 'later', delaySeconds: 60 }, again)).toEqual(
      await post({ count: 1, queue: 'later', delaySeconds: 60 }, again),
    );
  });
});
