import { probes } from './bad-input.cases';
import { ADMIN, expectProblem, startTestApp } from './test-app';
import type { TestApp } from './test-app';
import { send, storedFiles } from '../imports/upload.client';

describe('Idempotency-Key', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  const post = (payload: object, key: string) => {
    const headers = { ...ADMIN, 'content-type': 'application/json', 'idempotency-key': key };
    return test_.request({ ...probes(payload), headers });
  };

  test('repeated probes get the same tasks, quoted or bare; another request under it is refused', async () => {
    const first = await post({ count: 3 }, '"key-1"');
    expect(first.statusCode).toBe(202);
    expect((await post({ count: 3 }, 'key-1')).json()).toEqual(first.json());
    expectProblem(
      await post({ count: 2 }, 'key-1'),
      422,
      'The Idempotency-Key was used for another request; send a new key with a new request.',
    );
    expect((await test_.tasks.list()).items).toHaveLength(3);
  });

  test.each(['', '""', 'a b', '"a', 'a, b', 'x'.repeat(256)])('refuses %j', async (key) => {
    expectProblem(await post({ count: 1 }, key), 400, /^The header Idempotency-Key is not allowed so; allowed is /);
  });

  test('a repeated upload gets the same import and leaves no second file; other content is refused', async () => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': 'upload-1' };
    const file = '[{"Title":"Up","Release Date":"May 29 2009"}]';
    const first = await send(test_, headers, file);
    expect(first.statusCode).toBe(202);
    expect((await send(test_, headers, file)).json()).toEqual(first.json());
    expectProblem(await send(test_, headers, file.replace('Up', 'Down')), 422, /used for another request/);
    expect(await storedFiles(test_)).toHaveLength(1);
    expect((await test_.database.query('select from app.import')).rowCount).toBe(1);
  });
});
