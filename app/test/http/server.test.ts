import { startTestApp } from './test-app';
import type { TestApp } from './test-app';

interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
  readonly security?: unknown;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

describe('the web server', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());
  const get = (url: string, headers: Record<string, string> = {}) => test_.request({ method: 'GET', url, headers });

  test.each([
    ['abc-1.2_3', true],
    ['a b', false],
    ['a"b', false],
    ['x'.repeat(101), false],
    ['', false],
  ])('takes the request id %j: %s', async (given, taken) => {
    const id = (await get('/healthz', { 'x-request-id': given })).headers['x-request-id'];
    if (taken) expect(id).toBe(given);
    else expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('logs one line a request, with its id, the task and the duration, and no credentials', async () => {
    const id = '01234567-89ab-4cde-8f01-23456789abcd';
    await get(`/api/tasks/${id}?`, { 'x-request-id': 'request-7', authorization: 'Bearer very-secret' });
    const lines = test_.logLines.filter((line) => line['requestId'] === 'request-7');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      msg: 'request finished',
      method: 'GET',
      route: '/api/tasks/:id',
      status: 404,
      task: id,
      durationMs: expect.any(Number) as unknown,
    });
    expect(JSON.stringify(test_.logLines)).not.toContain('very-secret');
  });

  test('sends security headers', async () => {
    const { headers } = await get('/api/films');
    expect(headers['content-security-policy']).toContain("script-src 'self';");
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
  });

  test('describes all its routes as OpenAPI 3.1', async () => {
    const document = (await get('/docs/json')).json<Document>();
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    expect(operations.map(({ name }) => name).sort()).toEqual([
      'delete /api/screenings/{id}',
      'get /api/films',
      'get /api/imports/{taskId}',
      'get /api/news',
      'get /api/queues',
      'get /api/schedules',
      'get /api/screenings',
      'get /api/screenings/{id}',
      'get /api/tasks',
      'get /api/tasks/{id}',
      'get /api/tasks/{id}/events',
      'get /api/tasks/{id}/log',
      'get /healthz',
      'get /readyz',
      'post /api/contacts',
      'post /api/contacts/{id}/verify',
      'post /api/imports',
      'post /api/probes',
      'post /api/queues/{name}/pause',
      'post /api/queues/{name}/resume',
      'post /api/screenings',
      'post /api/screenings/{id}/reminders',
      'post /api/tasks/cancel',
      'post /api/tasks/discard',
      'post /api/tasks/retry',
      'post /api/tasks/{id}/cancel',
      'post /api/tasks/{id}/resolve',
      'post /api/tasks/{id}/retry',
      'put /api/queues/{name}/limits',
      'put /api/screenings/{id}',
      'put /api/screenings/{id}/poster',
    ]);
    const administration = operations
      .filter(({ operation }) => operation.security !== undefined)
      .map(({ name }) => name);
    expect(administration.sort()).toEqual([
      'delete /api/screenings/{id}',
      'get /api/queues',
      'get /api/schedules',
      'get /api/tasks',
      'get /api/tasks/{id}',
      'get /api/tasks/{id}/log',
      'post /api/probes',
      'post /api/queues/{name}/pause',
      'post /api/queues/{name}/resume',
      'post /api/screenings',
      'post /api/tasks/cancel',
      'post /api/tasks/discard',
      'post /api/tasks/retry',
      'post /api/tasks/{id}/cancel',
      'post /api/tasks/{id}/resolve',
      'post /api/tasks/{id}/retry',
      'put /api/queues/{name}/limits',
      'put /api/screenings/{id}',
      'put /api/screenings/{id}/poster',
    ]);
    for (const { operation } of operations) {
      expect(operation.summary).toBeDefined();
      for (const { description } of Object.values(operation.responses))
        expect(description).not.toBe('Default Response');
    }
  });

  test('shows the documentation without scripts that its own policy would block', async () => {
    const page = await get('/docs');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('<title>Holdfast API</title>');
    expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>|\son\w+=/);
    for (const [, path] of page.body.matchAll(/(?:src|href)="([^"]+)"/g))
      expect((await get(path!)).statusCode).toBe(200);
  });
});
