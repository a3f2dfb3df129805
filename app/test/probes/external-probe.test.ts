import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { probeHandler } from '../../src/probes/probe.handler';
import { ADMIN, startTestApp, untilFinished } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('a probe that calls a receiver', () => {
  let test_: TestApp;
  const keys: (string | undefined)[] = [];
  let refusals = 0;
  const receiver = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']?.toString());
    response.writeHead(refusals > 0 ? 503 : 200);
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
  });
  afterAll(async () => {
    await test_.close();
    receiver.close();
    receiver.closeAllConnections();
  });

  async function post(failTimes: number): Promise<string> {
    const payload = { count: 1, outcome: 'external', failTimes };
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

  test('calls again when the receiver refused', async () => {
    refusals = 1;
    const id = await post(0);
    expect(await untilFinished(test_.tasks, id)).toBe('done');
    expect(keys).toEqual([`${id}:probe`, `${id}:probe`]);
    expect((await test_.tasks.get(id))?.attempts[0]?.error).toContain('the receiver of probes answered 503');
  });
});
