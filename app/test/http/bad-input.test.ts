import { BAD_INPUT, get, post, PROBE_FIELDS, probes, UNKNOWN } from './bad-input.cases';
import { expectProblem, startTestApp } from './test-app';
import type { TestApp } from './test-app';

describe('bad input', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  test.each(BAD_INPUT)('%s', async (_what, request, status, detail) => {
    const response = await test_.request(request);
    expectProblem(response, status, detail);
    const url = typeof request.url === 'string' ? request.url : '';
    expect(response.json()).toMatchObject({ type: 'about:blank', instance: url.split('?', 1)[0] });
  });

  test('nothing was accepted by any of them', async () => {
    expect((await test_.tasks.list()).items).toEqual([]);
  });

  test('mistakes are listed with their paths', async () => {
    const response = await test_.request(probes({ count: 0, colour: 'red' }));
    expect(response.json()).toMatchObject({
      title: 'Bad Request',
      errors: [
        { path: 'body.count', message: 'is 0; allowed is a whole number from 1 to 10000' },
        { path: 'body.colour', message: `is not a known field; ${PROBE_FIELDS}` },
      ],
    });
  });

  test('a wrong method says which are right, a missing token how to send it', async () => {
    expect((await test_.request(post('/api/films'))).headers['allow']).toBe('GET, HEAD');
    expect((await test_.request(post('/api/probes', {}))).headers['www-authenticate']).toBe('Bearer realm="holdfast"');
  });

  test('without a configured token administration is off for everybody', async () => {
    const closed = await startTestApp({ adminToken: undefined });
    try {
      for (const request of [probes({ count: 1 }), get('/api/tasks'), post(`/api/tasks/${UNKNOWN}/retry`)]) {
        expectProblem(
          await closed.request(request),
          403,
          'Administration is switched off; set ADMIN_TOKEN to switch it on.',
        );
      }
    } finally {
      await closed.close();
    }
  });

  test('probes that are switched off say how to switch them on', async () => {
    const closed = await startTestApp({ probesAllowed: false });
    try {
      const response = await closed.request(probes({ count: 1 }));
      expectProblem(response, 404, 'Probes are switched off; set PROBES=on to switch them on.');
      expectProblem(await closed.request(post('/api/probes', {})), 401, /administrators/);
    } finally {
      await closed.close();
    }
  });
});
