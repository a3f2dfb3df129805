import { redisUrl } from '../servers/databases';
import { ADMIN, ADMIN_TOKEN, eventually, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

describe('pages of screenings', () => {
  let test_: TestApp;
  let staff: Record<string, string>;
  beforeAll(async () => {
    test_ = await startTestApp();
    const answer = await post('/sign-in', { password: ADMIN_TOKEN });
    expect(answer.statusCode).toBe(303);
    staff = { cookie: cookieOf(answer.headers['set-cookie']) };
  });
  afterAll(() => test_.close());

  const html = { accept: 'text/html' };
  const get = (url: string, headers: Record<string, string> = {}) =>
    test_.request({ method: 'GET', url, headers: { ...html, ...headers } });
  const post = (url: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    test_.request({
      method: 'POST',
      url,
      headers: { ...html, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams(fields).toString(),
    });
  const cookieOf = (header: string | string[] | number | undefined) =>
    [header]
      .flat()
      .map((one) => String(one).split(';', 1)[0])
      .join('; ');
  const metropolis = {
    title: 'Metropolis <1927>',
    room: 'Large hall',
    startsAt: '2099-07-14T20:30',
    description: 'One.\n\nTwo.',
  };

  async function added(fields: Record<string, string> = {}): Promise<string> {
    const answer = await post('/staff/screenings', { ...metropolis, ...fields }, staff);
    expect(answer.statusCode).toBe(303);
    return String(answer.headers.location).split('/').at(-1)!;
  }

  test('staff add a screening; readers see it in the list, in the search and by itself', async () => {
    const id = await added();
    for (const url of ['/', '/?query=metro', '/?query=two', `/screenings/${id}`]) {
      const page = await get(url);
      expect(page.statusCode).toBe(200);
      expect(page.body).toContain('Metropolis &lt;1927>');
      expect(page.body).toContain('Tuesday 14 July, 20:30');
      expect(page.body).toContain('Large hall');
    }
    expect((await get('/?query=nosferatu')).body).toContain('Nothing that is planned contains “nosferatu”');
    // 20:30 in Berlin's summer.
    const json = await test_.request({ method: 'GET', url: `/api/screenings/${id}` });
    expect(json.json()).toMatchObject({ startsAt: '2099-07-14T18:30:00.000Z', version: 1 });
  });

  test('a title that is sent to the API is one line without blanks around it', async () => {
    const create = (title: string) =>
      test_.request({
        method: 'POST',
        url: '/api/screenings',
        headers: ADMIN,
        payload: { title, room: ' Hall ', startsAt: '2099-07-14T20:30:00+02:00' },
      });
    const created = await create(' 🎬 Clap ');
    expect(created.json()).toMatchObject({ title: '🎬 Clap', room: 'Hall' });
    expect((await get('/?query=clap')).body).toContain('aria-hidden="true">🎬</span>');
    for (const title of ['  ', 'Two\nlines', 'Bell \u0007']) expect((await create(title)).statusCode).toBe(400);
  });

  test('a form with mistakes comes back with what was typed and says each mistake at its field', async () => {
    const page = await post(
      '/staff/screenings',
      { title: '', room: 'R', startsAt: 'soon', description: 'kept' },
      staff,
    );
    expect(page.statusCode).toBe(400);
    expect(page.body).toContain('id="title-error"');
    expect(page.body).toContain('id="startsAt-error"');
    expect(page.body).toContain('>kept</textarea>');
  });

  test('a change based on a version that has passed shows what is there and keeps what was typed', async () => {
    const id = await added();
    expect((await post(`/staff/screenings/${id}`, { ...metropolis, room: 'A', version: '1' }, staff)).statusCode).toBe(
      303,
    );
    const late = await post(`/staff/screenings/${id}`, { ...metropolis, room: 'B', version: '1' }, staff);
    expect(late.statusCode).toBe(409);
    expect(late.body).toContain('changed by somebody else');
    expect(late.body).toContain('name="version" value="2"');
    expect(late.body).toContain('value="B"');
    expect((await get(`/screenings/${id}`)).body).toContain('<br/>A');
  });

  test('deleting it takes it out of the list', async () => {
    const id = await added({ title: 'Going away' });
    const deleted = await post(`/staff/screenings/${id}/delete`, {}, staff);
    expect(deleted.headers.location).toBe('/staff/screenings');
    const gone = await get(`/screenings/${id}`);
    expect(gone.statusCode).toBe(404);
    expect(gone.headers['content-type']).toBe('text/html; charset=utf-8');
    expect((await get('/?query=going')).body).not.toContain('Going away');
  });

  test('who is not signed in is led to the sign-in and back', async () => {
    const answer = await get('/staff/screenings/new');
    expect(answer.headers.location).toBe('/sign-in?next=%2Fstaff%2Fscreenings%2Fnew');
    const refused = await post('/staff/screenings', metropolis);
    expect(refused.statusCode).toBe(303);
    expect((await get('/?query=Metropolis')).statusCode).toBe(200);
    const forged = await get('/staff/screenings', { cookie: 'staff=99999999999.forged' });
    expect(forged.statusCode).toBe(303);
  });

  test.each(['//evil.test', '/\\evil.test', '/\t/evil.test', '/x/..//evil.test', 'https://evil.test', '€', ''])(
    'signing in never leads to %j',
    async (next) => {
      const answer = await post('/sign-in', { password: ADMIN_TOKEN, next });
      expect(answer.headers.location).toBe('/staff/screenings');
    },
  );

  test('a wrong password is said, and the eleventh attempt in a minute refused', async () => {
    const from = { 'x-forwarded-for': '203.0.113.9' };
    for (let n = 0; n < 10; n += 1) {
      const page = await post('/sign-in', { password: 'guess' }, from);
      expect(page.statusCode).toBe(400);
      expect(page.body).toContain('Is wrong.');
    }
    expect((await post('/sign-in', { password: ADMIN_TOKEN }, from)).statusCode).toBe(429);
  });

  test.each([
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
    [{ origin: 'https://evil.test' }],
  ])('a form sent from another site (%j) changes nothing', async (headers) => {
    const answer = await post('/staff/screenings', { ...metropolis, title: 'Forged' }, { ...staff, ...headers });
    expect(answer.statusCode).toBe(403);
    expect((await get('/?query=Forged')).body).not.toContain('Large hall');
  });
});

describe('the list from the cache', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp({ cacheUrl: redisUrl(90) });
    await eventually(async () => ((await get('/')).headers['x-cache'] === 'hit' ? true : undefined), 'a hit');
  });
  afterAll(() => test_.close());
  const get = (url: string, headers: Record<string, string> = {}) =>
    test_.request({ method: 'GET', url, headers: { accept: 'text/html', ...headers } });
  const shown = { title: 'Nosferatu', room: 'Vault', startsAt: '2099-01-01T20:00:00Z' };

  test('shows every write as soon as it is answered', async () => {
    const created = await test_.request({ method: 'POST', url: '/api/screenings', headers: ADMIN, payload: shown });
    expect(created.statusCode).toBe(201);
    const { id } = created.json<{ id: string }>();
    for (let version = 1; version <= 5; version += 1) {
      const title = `Nosferatu ${version}`;
      const payload = { ...shown, title, version };
      await test_.request({ method: 'PUT', url: `/api/screenings/${id}`, headers: ADMIN, payload });
      for (const status of ['miss', 'hit']) {
        for (const url of ['/', '/api/screenings', '/?query=nosfer']) {
          const answer = await get(url);
          expect([url, answer.headers['x-cache']]).toEqual([url, status]);
          expect(answer.body).toContain(title);
        }
      }
    }
    await test_.request({ method: 'DELETE', url: `/api/screenings/${id}`, headers: ADMIN });
    for (const url of ['/', '/api/screenings']) expect((await get(url)).body).not.toContain('Nosferatu');
  });

  test('is computed for staff, whose page differs', async () => {
    const signedIn = await test_.request({
      method: 'POST',
      url: '/sign-in',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: `password=${ADMIN_TOKEN}`,
    });
    const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0]!;
    const page = await get('/', { cookie });
    expect(page.headers['x-cache']).toBe('bypass');
    expect(page.body).toContain('Sign out');
    expect((await get('/')).body).not.toContain('Sign out');
  });
});
