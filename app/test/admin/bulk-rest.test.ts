import { probe } from '../../src/probes/probe.task';
import type { Tasks } from '../../src/tasks';
import { ADMIN_TOKEN, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';

/** Bulks whose time in a request is up before they have begun, except for every second one. */
function shortOfTime(tasks: Tasks): Tasks {
  const calls = { count: 0 };
  const late = (bulk: Tasks['retryAll']): Tasks['retryAll'] => {
    return (filter, options) => {
      calls.count += 1;
      return bulk(filter, calls.count % 2 === 1 ? { ...options, signal: AbortSignal.abort() } : options);
    };
  };
  return Object.assign(Object.create(tasks) as Tasks, {
    retryAll: late((filter, options) => tasks.retryAll(filter, options)),
    discardAll: late((filter, options) => tasks.discardAll(filter, options)),
  });
}

describe('a bulk of the admin area that takes longer than its request', () => {
  let test_: TestApp;
  let cookie: string;
  beforeAll(async () => {
    test_ = await startTestApp({ tasks: shortOfTime });
    const signedIn = await post('/sign-in', { password: ADMIN_TOKEN }, '');
    cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0]!;
  });
  afterAll(() => test_.close());

  const get = (url: string) => test_.request({ method: 'GET', url, headers: { accept: 'text/html', cookie } });
  const post = (url: string, fields: Record<string, string>, as = cookie) =>
    test_.request({
      method: 'POST',
      url,
      headers: { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', cookie: as },
      payload: new URLSearchParams(fields).toString(),
    });
  const said = (answer: { readonly headers: object }) =>
    decodeURIComponent(/notice=([^;]*)/.exec(JSON.stringify(answer.headers))?.[1] ?? '');

  async function dead(): Promise<string> {
    const { id } = await test_.tasks.accept(probe, { runMs: 0, failTimes: 0 });
    await test_.database.query(
      `update holdfast.task set state = 'dead', dead_reason = 'r', error = 'e', finished_at = now() where uuid = $1`,
      [id],
    );
    return id;
  }

  test.each([
    ['retry', 'Go on retrying', 'queued', 'are queued again'],
    ['discard', 'Go on discarding', 'cancelled', 'are set aside'],
  ])('%s: the page offers to go on, from the place where it was', async (action, button, state, words) => {
    const ids = [await dead(), await dead()];
    const stopped = await post(`/admin/dead/${action}`, { kind: 'probes.run' });
    expect(said(stopped)).toBe(`0 tasks probes.run ${words}. Time was up before the rest.`);
    const page = await get(String(stopped.headers.location));
    expect(page.body).toContain(`<button>${button}</button>`);
    const after = /name="after" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
    // Accepted since, so not meant: where the bulk goes on, it is still the one of before.
    const later = await dead();
    const done = await post(`/admin/dead/${action}`, { kind: 'probes.run', after });
    expect([said(done), done.headers.location]).toEqual([`2 tasks probes.run ${words}.`, '/admin/dead']);
    for (const id of ids) expect((await test_.tasks.get(id))?.state).toBe(state);
    expect((await test_.tasks.get(later))?.state).toBe('dead');
    expect((await get('/admin/dead')).body).not.toContain(button);
    await test_.tasks.discard(later);
  });

  test('a place that is none changes nothing', async () => {
    const id = await dead();
    await post('/admin/dead/retry', { kind: 'probes.run', after: 'zz' });
    const again = await post('/admin/dead/retry', { kind: 'probes.run', after: 'zz' });
    expect(said(again)).toMatch(/^Nothing was changed: after: /);
    expect((await test_.tasks.get(id))?.state).toBe('dead');
    expect((await get('/admin/dead?rest=forget&from=x&kind=probes.run')).statusCode).toBe(400);
  });
});
