import { ADMIN, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { send as sendImport } from '../imports/upload.client';
import { screening, send } from '../posters/posters.client';

const AWAY = 'The store of files cannot be reached; nothing was changed. Try again.';
const VERSION = '01234567-89ab-4cde-8f01-23456789abcd';

describe('while the object store is away', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
    const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
    Object.assign(test_.objects, { put: away, get: away, delete: away, stat: away });
  });
  afterAll(() => test_.close());

  test.each([
    ['an import', () => sendImport(test_, { 'content-type': 'text/csv' }, 'Title,Release Date\nUp,May 29 2009\n')],
    ['a poster', async () => send(test_, await screening(test_), { content: Buffer.from('x') })],
    [
      'a picture',
      async () => {
        const url = `/screenings/${await screening(test_)}/poster/160?v=${VERSION}`;
        return test_.request({ method: 'GET', url, headers: ADMIN });
      },
    ],
  ])('%s is answered with 503 and when to try again', async (_what, ask) => {
    const response = await ask();
    expectProblem(response, 503, AWAY);
    expect(response.headers['retry-after']).toBe('2');
    expect((await test_.tasks.list()).items).toEqual([]);
  });
});
