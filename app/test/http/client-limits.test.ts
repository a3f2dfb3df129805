import { isNearestProxy } from '../../src/http/nearest-proxy';
import { expectProblem, startTestApp } from './test-app';
import type { TestApp } from './test-app';

const UNKNOWN = '01234567-89ab-4cde-8f01-23456789abcd';
const DETAIL = /^More than 2 codes were asked for from your network within an hour, .* try again in \d+ minutes\.$/;

describe('a client', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp({ clientLimits: { codesAnHour: 2, codeTriesAnHour: 2 } });
  });
  afterAll(() => test_.close());

  const post = (url: string, payload: object | string, from: string, headers: Record<string, string> = {}) =>
    test_.request({ method: 'POST', url, payload, headers: { 'x-forwarded-for': from, ...headers } });
  const ask = (from: string, n = 0) =>
    post('/api/contacts', { channel: 'email', address: `reader-${n}@example.org` }, from);
  const person = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };

  test('may ask for so many codes, of whatever addresses; others still may', async () => {
    for (const n of [1, 2]) expect((await ask('203.0.113.1', n)).statusCode).toBe(202);
    const refused = await ask('203.0.113.1', 3);
    expectProblem(refused, 429, DETAIL);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3500);
    expect((await ask('203.0.113.2', 4)).statusCode).toBe(202);
  });

  test('that uses the form is counted with the API, and told so on a page', async () => {
    await ask('203.0.113.3', 5);
    const form = (from: string) =>
      post(`/screenings/${UNKNOWN}/reminders`, 'channel=email&address=a%40b.org', from, person);
    expect((await form('203.0.113.3')).statusCode).toBe(404);
    const page = await form('203.0.113.3');
    expect([page.statusCode, page.headers['content-type']]).toEqual([429, 'text/html; charset=utf-8']);
    expect(page.headers['retry-after']).toMatch(/^\d+$/);
    expect(page.body).toContain('Too many attempts');
    expect(page.body).toContain('try again in 60 minutes');
  });

  test('may try so many codes, of whatever contacts, by the API and the form', async () => {
    const verify = () => post(`/api/contacts/${UNKNOWN}/verify`, { code: '123456' }, '203.0.113.4');
    expect((await verify()).statusCode).toBe(404);
    const form = await post(`/screenings/${UNKNOWN}/reminders/${UNKNOWN}`, 'code=123456', '203.0.113.4', person);
    expect(form.statusCode).toBe(404);
    expectProblem(await verify(), 429, /^More than 2 codes were tried from your network/);
  });

  test('is known by the address that the load balancer saw, whatever it says itself', async () => {
    const claims = ['198.51.100.1', '10.1.2.3', '127.0.0.1', '::1', 'nonsense'];
    // A public client, and one in a private network.
    for (const seen of ['203.0.113.5', '10.0.0.9']) {
      const answers = [];
      for (const [n, claim] of claims.entries()) answers.push(await ask(`${claim}, ${seen}`, 10 + n));
      expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 429, 429, 429]);
      await test_.database.query('delete from app.contact');
    }
  });

  test('of IPv6 is a network of 64 bits', async () => {
    const answers = [];
    for (const n of [1, 2, 3]) answers.push(await ask(`2001:db8:1:2::${n}`, 20 + n));
    answers.push(await ask('2001:db8:1:3::1', 24));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 429, 202]);
  });
});

test.each([
  ['127.0.0.1', true],
  ['10.0.3.4', true],
  ['172.18.0.2', true],
  ['172.32.0.1', false],
  ['::ffff:192.168.1.1', true],
  ['fd00::1', true],
  ['fe80::1%eth0', true],
  ['2001:db8::1', false],
  ['203.0.113.1', false],
  ['', false],
])('the word of a proxy at %s counts: %s, and of none behind it', (address, counts) => {
  expect(isNearestProxy(address, 0)).toBe(counts);
  expect(isNearestProxy(address, 1)).toBe(false);
});
