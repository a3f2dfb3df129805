import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { abortAfter } from '../../src/process/abort-after';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('abortAfter', () => {
  const silent = createServer(() => undefined);
  let url: string;
  beforeAll(async () => {
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    silent.close();
    silent.closeAllConnections();
  });

  test('ends a call that nobody answers, also when garbage is collected meanwhile', async () => {
    const { signal } = new AbortController();
    const called = abortAfter(500, signal, (limited) => fetch(url, { signal: limited }));
    const collecting = setInterval(collectGarbage, 50);
    try {
      await expect(called).rejects.toMatchObject({ name: 'TimeoutError' });
    } finally {
      clearInterval(collecting);
    }
  }, 10_000);

  test('ends it when the signal is aborted, for its reason', async () => {
    const controller = new AbortController();
    const called = abortAfter(60_000, controller.signal, (limited) => fetch(url, { signal: limited }));
    controller.abort(new Error('over'));
    await expect(called).rejects.toThrow('over');
  });

  test('answers what the call does', async () => {
    await expect(abortAfter(60_000, new AbortController().signal, () => Promise.resolve(7))).resolves.toBe(7);
  });
});
