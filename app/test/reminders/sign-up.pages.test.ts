import type { OutboxMessage } from '../../src/outbox/outbox-message';
import { ADMIN, eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('the pages on which readers sign up', () => {
  let test_: TestApp;
  let id: string;
  let url: string;
  beforeAll(async () => {
    test_ = await startTestApp();
    await test_.startWorker();
    const payload = { title: 'Metropolis', room: 'Large hall', startsAt: '2099-07-14T18:30:00Z' };
    const answer = await test_.request({ method: 'POST', url: '/api/screenings', headers: ADMIN, payload });
    id = answer.json<{ id: string }>().id;
    url = `/screenings/${id}/reminders`;
  });
  afterAll(() => test_.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    test_.request({ method: 'GET', url: path, headers: { accept: 'text/html', ...headers } });
  const post = (path: string, fields: Record<string, string>) =>
    test_.request({
      method: 'POST',
      url: path,
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(fields).toString(),
    });
  const codeTo = async (address: string): Promise<string> => {
    const message = await eventually<OutboxMessage>(
      () => test_.catcher.messages().find(({ to }) => to === address),
      `a code for ${address}`,
    );
    return /\d{6}/.exec(message.text)![0];
  };
  /** Gives the address and leads to the page for its code. */
  const giveAddress = async (address: string): Promise<string> => {
    const answer = await post(url, { channel: 'email', address });
    expect(answer.statusCode).toBe(303);
    return String(answer.headers.location);
  };

  /** Every id that a description is looked up by stands on the page, once. */
  function expectDescribed(body: string): void {
    const ids = [...body.matchAll(/ id="([^"]+)"/g)].map(([, each]) => each);
    expect(new Set(ids).size).toBe(ids.length);
    const named = [...body.matchAll(/ aria-(?:describedby|labelledby)="([^"]+)"/g)].flatMap(([, text]) =>
      text!.split(' '),
    );
    expect(named.filter((each) => !ids.includes(each))).toEqual([]);
    expect(named).not.toEqual([]);
  }

  test('the form stands on the page of the screening and on its own', async () => {
    for (const path of [`/screenings/${id}`, url]) {
      const { statusCode, body } = await get(path);
      expect([path, statusCode]).toEqual([path, 200]);
      expect(body).toContain(`<form method="post" action="${url}"`);
      expectDescribed(body);
    }
  });

  test.each([
    [{ channel: 'email', address: ' ' }, 'id="address-error">Is missing.'],
    [{ channel: 'email', address: 'library' }, 'This is not an e-mail address such as name@example.org.'],
    [{ channel: 'sms', address: '030 901820' }, 'This is not a telephone number with its country'],
    [{ address: 'ada@example.org' }, 'Choose one.'],
    [{ channel: 'fax', address: '1' }, 'Choose one.'],
  ] as [Record<string, string>, string][])(
    '%j comes back with what was typed and what is wrong',
    async (fields, says) => {
      const { statusCode, body } = await post(url, fields);
      expect(statusCode).toBe(400);
      expect(body).toContain(says);
      const typed = (fields['address'] ?? '').trim();
      expect(body).toContain(typed === '' ? 'type="text" value/>' : `value="${typed}"`);
      if (fields['channel'] === 'sms') expect(body).toMatch(/value="sms" checked/);
      expectDescribed(body);
    },
  );

  test('the code of the message leads to the reminder', async () => {
    const codePage = await giveAddress('ada@example.org');
    expect(codePage).toMatch(new RegExp(`^${url}/[0-9a-f-]{36}$`));
    expect((await get(codePage)).body).toContain('<strong class="address">ada@example.org</strong>');
    const code = await codeTo('ada@example.org');
    const wrong = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    for (const [typed, says] of [
      ['abc', 'Is not six digits; type the code of the message.'],
      [wrong, 'The code is wrong; 4 more tries are allowed.'],
    ] as const) {
      const { statusCode, body } = await post(codePage, { code: typed });
      expect(statusCode).toBe(400);
      expect(body).toContain(`id="code-error">${says}`);
      expectDescribed(body);
    }
    const right = await post(codePage, { code });
    expect([right.statusCode, right.headers.location]).toEqual([303, `/screenings/${id}`]);
    const cookie = String(right.headers['set-cookie']).split(';', 1)[0]!;
    expect((await get(`/screenings/${id}`, { cookie })).body).toContain(
      'You will be reminded on Tuesday 14 July at 09:00.',
    );
    expect((await test_.database.query('select address from app.reminder')).rows).toEqual([
      { address: 'ada@example.org' },
    ]);
  });

  test('an address that was sent too many codes says when to try again', async () => {
    const address = 'eve@example.org';
    for (let n = 0; n < 3; n += 1) await giveAddress(address);
    const refused = await post(url, { channel: 'email', address });
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.body).toContain('This address was sent 3 codes within an hour');
    expect(refused.body).toContain(`value="${address}"`);
  });

  test('there is none for a screening that has begun or is not there', async () => {
    await test_.database.query(`update app.screening set starts_at = now() - interval '1 minute' where id = $1`, [id]);
    expect((await get(`/screenings/${id}`)).body).not.toContain('Be reminded');
    const late = await post(url, { channel: 'email', address: 'late@example.org' });
    expect(late.statusCode).toBe(409);
    expect(late.body).toContain('The screening has begun; nobody is reminded of it any more.');
    const missing = await get('/screenings/01234567-89ab-4cde-8f01-23456789abcd/reminders');
    expect(missing.statusCode).toBe(404);
  });
});
