import { ADMIN, ADMIN_TOKEN, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

const PAST = '2020-01-01T18:00:00.000Z';
const TO_COME = '2099-07-14T18:30:00.000Z';
const REFUSED = `body.startsAt is "${PAST}"; allowed is a moment to come.`;

describe('when a screening begins', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  interface Shown {
    readonly id: string;
    readonly version: number;
    readonly room: string;
    readonly startsAt: string;
  }

  const texts = { title: 'Metropolis', room: 'Large hall' };
  const create = (startsAt: string) =>
    test_.request({ method: 'POST', url: '/api/screenings', headers: ADMIN, payload: { ...texts, startsAt } });
  const change = (id: string, content: { version: number; startsAt: string; room?: string }) =>
    test_.request({
      ...{ method: 'PUT', url: `/api/screenings/${id}`, headers: ADMIN },
      payload: { ...texts, ...content },
    });
  const shown = async (id: string) =>
    (await test_.request({ method: 'GET', url: `/api/screenings/${id}` })).json<Shown>();

  /** One that was over long ago. */
  async function over(startsAt = PAST): Promise<string> {
    const { id } = (await create(TO_COME)).json<Shown>();
    await test_.database.query('update app.screening set starts_at = $2 where id = $1', [id, startsAt]);
    return id;
  }

  async function form(url: string, fields: Record<string, string>) {
    const headers = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
    const signIn = { method: 'POST', url: '/sign-in', headers, payload: `password=${ADMIN_TOKEN}` } as const;
    const cookie = String((await test_.request(signIn)).headers['set-cookie']).split(';', 1)[0]!;
    const payload = new URLSearchParams(fields).toString();
    return test_.request({ method: 'POST', url, headers: { ...headers, cookie }, payload });
  }

  test('a new one in the past is refused, and so is moving one there', async () => {
    expectProblem(await create(PAST), 400, REFUSED);
    expectProblem(await create(new Date().toISOString()), 400, /; allowed is a moment to come\.$/);
    expect((await test_.database.query('select from app.screening')).rowCount).toBe(0);
    const { id } = (await create(TO_COME)).json<Shown>();
    const answer = await change(id, { version: 1, startsAt: PAST });
    expectProblem(answer, 400, REFUSED);
    expect(answer.json()).toMatchObject({ errors: [{ path: 'body.startsAt' }] });
    expect(await shown(id)).toMatchObject({ version: 1, startsAt: TO_COME });
  });

  test('one that is over can be changed in all else, and be given a beginning to come', async () => {
    const id = await over();
    expect((await change(id, { version: 1, startsAt: PAST, room: 'Vault' })).statusCode).toBe(200);
    expectProblem(
      await change(id, { version: 2, startsAt: '2020-01-02T18:00:00Z' }),
      400,
      /"2020-01-02T18:00:00.000Z"/,
    );
    expect((await change(id, { version: 2, startsAt: TO_COME })).statusCode).toBe(200);
    expect(await shown(id)).toMatchObject({ version: 3, startsAt: TO_COME });
  });

  test('that somebody else was faster is said first', async () => {
    const id = await over();
    expectProblem(await change(id, { version: 7, startsAt: '2020-01-02T18:00:00Z' }), 409, /changed by somebody else/);
  });

  test('the form says it at its field and keeps what was typed', async () => {
    const fields = { ...texts, startsAt: '2020-01-01T19:00', description: 'kept' };
    const added = await form('/staff/screenings', fields);
    const { id } = (await create(TO_COME)).json<Shown>();
    const moved = await form(`/staff/screenings/${id}`, { ...fields, version: '1' });
    for (const { statusCode, body } of [added, moved]) {
      expect(statusCode).toBe(400);
      expect(body).toContain('<p class="error" id="startsAt-error">Has passed; choose a moment to come.</p>');
      expect(body).toContain('value="2020-01-01T19:00"');
      expect(body).toContain('>kept</textarea>');
    }
    expect((await shown(id)).version).toBe(1);
  });

  test('the form of one that is over changes its texts, and leaves its beginning as it is to the second', async () => {
    const at = '2020-01-01T18:00:42.000Z';
    const id = await over(at);
    const fields = { ...texts, room: 'Vault', startsAt: '2020-01-01T19:00', version: '1' };
    expect((await form(`/staff/screenings/${id}`, fields)).statusCode).toBe(303);
    expect(await shown(id)).toMatchObject({ room: 'Vault', startsAt: at, version: 2 });
  });
});
