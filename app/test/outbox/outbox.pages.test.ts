import { join } from 'node:path';
import { MessageStore } from '../../local/outbox/message-store';
import { openMailer } from '../../src/mail/open-mailer';
import { expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { testFolder } from '../servers/private-servers';

const { signal } = new AbortController();
const send = (port: number, subject: string, text = 'x') =>
  openMailer({ kind: 'smtp', host: '127.0.0.1', port }, 'post@library.test').send(
    { to: 'reader@example.org', subject, text, key: subject },
    { signal },
  );

describe('the outbox', () => {
  let test_: TestApp;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  afterAll(() => test_.close());

  test('shows what was sent, newest first, as text with links', async () => {
    const empty = await test_.request({ method: 'GET', url: '/dev/outbox' });
    expect(empty.body).toContain('Nothing has been sent yet');
    await send(test_.catcher.smtpPort, 'First');
    await send(test_.catcher.smtpPort, 'Second', '<script>1</script> http://library.test/r/1?a=1&b=2 end');
    const page = (await test_.request({ method: 'GET', url: '/dev/outbox' })).body;
    expect(page.indexOf('Second')).toBeLessThan(page.indexOf('First'));
    expect(page).not.toContain('<script>1');
    expect(page).toContain('<a href="http://library.test/r/1?a=1&amp;b=2">');
    const json = await test_.request({ method: 'GET', url: '/dev/outbox.json' });
    expect(json.json()).toMatchObject({ messages: [{ subject: 'Second' }, { subject: 'First' }] });
  });

  test('says so when the catcher is away', async () => {
    await test_.catcher.close();
    const answer = await test_.request({ method: 'GET', url: '/dev/outbox.json', headers: { accept: '*/*' } });
    expectProblem(answer, 503, /^The catcher of mail at .* does not answer/);
  });
});

test('the catcher keeps the last 200 messages over a restart', () => {
  const file = join(testFolder('outbox'), 'outbox.json');
  const first = new MessageStore(file);
  const message = { receivedAt: '2026-11-27T09:00:00.000Z', channel: 'email', to: 'a', from: 'b', text: '' } as const;
  for (let n = 1; n <= 205; n += 1) first.add({ ...message, id: String(n), subject: `Mail ${n}` });
  expect(new MessageStore(file).messages.map(({ subject }) => subject)).toEqual(
    Array.from({ length: 200 }, (_, n) => `Mail ${205 - n}`),
  );
});
