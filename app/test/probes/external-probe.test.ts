import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { probeHandler } from '../../src/probes/probe.handler';
import type { OnUnknown } from '../../src/tasks';
import { ADMIN, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('a probe that calls a receiver', () => {
  let test_: TestApp;
  const keys: (string | undefined)[] = [];
  let refusals = 0;
  let refusal = 503;
  const receiver = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']?.toString());
    const status = refusals > 0 ? refusal : 200;
    response.writeHead(status, status === 429 ? { 'retry-after': '1' } : {});
    refusals -= 1;
    response.end('taken');
  });
  beforeAll(async () => {
    test_ = await startTestApp();
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    await test_.startWorker([probeHandler({ receiverUrl })]);
  });
  beforeEach(() => {
    keys.length = 0;
    refusals = 0;
    refusal = 503;
  });
  afterAll(async () => {
    await test_.close();
    receiver.close();
    receiver.closeAllConnections();
  });

  async function post(failTimes: number, onUnknown: OnUnknown = 'repeat'): Promise<string> {
    const payload = { count: 1, outcome: 'external', failTimes, onUnknown };
    const response = await test_.request({ method: 'POST', url: '/api/probes', headers: ADMIN, payload });
    return response.json<{ taskIds: [string] }>().taskIds[0];
  }

  test('keeps its answer as the receipt', async () => {
    const id = await post(0);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect(keys).toEqual([`${id}:probe`]);
    expect(await test_.tasks.get(id)).toMatchObject({ effects: [{ receipt: { attempt: 1, answer: 'taken' } }] });
  });

  test('calls again under the same key when it failed behind the call', async () => {
    const id = await post(1);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect(keys).toEqual([`${id}:probe`, `${id}:probe`]);
    expect(await test_.tasks.get(id)).toMatchObject({ effects: [{ receipt: { attempt: 2, answer: 'taken' } }] });
  });

  test.each(['repeat', 'park'] as const)('calls again under %s when the receiver refused', async (onUnknown) => {
    refusals = 1;
    const id = await post(0, onUnknown);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect(keys).toEqual([`${id}:probe`, `${id}:probe`]);
    expect((await test_.tasks.get(id))?.attempts[0]?.error).toContain('the receiver of probes answered 503');
  });

  test('waits as long as the receiver asks, and counts no attempt', async () => {
    refusals = 1;
    refusal = 429;
    const id = await post(0, 'park');
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect(keys).toEqual([`${id}:probe`, `${id}:probe`]);
    const task = (await test_.tasks.get(id))!;
    expect(task.attempt).toBe(1);
    expect(task.startedAt!.getTime() - task.acceptedAt.getTime()).toBeGreaterThanOrEqual(1_000);
  });
});
