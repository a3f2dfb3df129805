import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { inspect } from 'node:util';
import { startMailCatcher } from '../../local/outbox/mail-catcher';
import { openMailer } from '../../src/mail/open-mailer';
import { openSmsSender } from '../../src/sms/open-sms-sender';
import { NonRetryable, NotSent } from '../../src/tasks';
import { freePort } from '../../local/servers/free-port';

const { signal } = new AbortController();
const mail = { to: 'reader@example.org', subject: 'Grüße', text: 'Eins.\n\nZwei: <b>', key: 'task:mail' };
const mailer = (port: number) => openMailer({ kind: 'smtp', host: '127.0.0.1', port }, 'Library <post@example.org>');

/** An SMTP server that says what it is told to at each command; null hangs up. */
async function startScripted(
  answers: Readonly<Record<string, string | null>>,
): Promise<{ server: Server; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('220 ready\r\n');
    let data = false;
    socket.on('data', (chunk) => {
      for (const line of String(chunk).split('\r\n').slice(0, -1)) {
        if (data && line !== '.') continue;
        const command = data ? '.' : (line.split(/[ :]/, 1)[0] ?? '').toUpperCase();
        data = command === 'DATA';
        const answer = command in answers ? answers[command] : data ? '354 go on' : '250 ok';
        if (answer === null) socket.destroy();
        else socket.write(`${answer}\r\n`);
      }
    });
  });
  server.on('close', () => sockets.forEach((socket) => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

async function failure(port: number): Promise<unknown> {
  return await mailer(port)
    .send(mail, { signal })
    .then(
      () => undefined,
      (error: unknown) => error,
    );
}

describe('SmtpMailer', () => {
  test('sends what is written, and a Message-ID that is the same for the same key', async () => {
    const catcher = await startMailCatcher({ smtpPort: 0, httpPort: 0 });
    try {
      const first = await mailer(catcher.smtpPort).send(mail, { signal });
      const again = await mailer(catcher.smtpPort).send(mail, { signal });
      expect(again).toBe(first);
      expect(catcher.messages()).toHaveLength(2);
      expect(catcher.messages()[0]).toMatchObject({
        channel: 'email',
        to: mail.to,
        from: '"Library" <post@example.org>',
        subject: mail.subject,
      });
      expect(catcher.messages()[0]!.text.trimEnd()).toBe(mail.text);
    } finally {
      await catcher.close();
    }
  });

  test('text messages go to the number at the gateway', async () => {
    const catcher = await startMailCatcher({ smtpPort: 0, httpPort: 0 });
    try {
      const port = catcher.smtpPort;
      const sms = openSmsSender({ kind: 'smtp', host: '127.0.0.1', port, domain: 'sms.localhost' }, 'post@example.org');
      await sms.send({ to: '+4930123456', text: 'Code 1', key: 'k' }, { signal });
      expect(catcher.messages()[0]).toMatchObject({ channel: 'sms', to: '+4930123456', subject: '' });
    } finally {
      await catcher.close();
    }
  });

  test.each([
    ['an address that is refused', { RCPT: '550 no such mailbox' }, 'never'],
    ['a mail that is refused', { '.': '554 spam' }, 'never'],
    ['a server that is busy', { MAIL: '421 later' }, 'not yet'],
    ['a mail that is put off', { '.': '451 greylisted' }, 'not yet'],
    ['a server that is lost while the mail travels', { '.': null }, 'unknown'],
  ])('%s', async (_what, answers, sent) => {
    const { server, port } = await startScripted(answers);
    const error = await failure(port);
    server.close();
    expect(error).toBeInstanceOf(Error);
    expect(error instanceof NotSent).toBe(sent !== 'unknown');
    expect((error as Error).cause instanceof NonRetryable).toBe(sent === 'never');
  });

  test.each([
    '550 5.1.1 <reader@example.org>: user unknown',
    '550 5.7.1 Mailbox READER@example.org is full, forwarded to other@example.net',
    '451 no such user reader here; write to RFC822;Reader@Example.org',
  ])('no address of a reply gets into the error: %s', async (reply) => {
    const { server, port } = await startScripted({ RCPT: reply });
    const error = await failure(port);
    server.close();
    const { cause } = error as { cause: Error };
    const kept = inspect(error, { depth: 10, showHidden: true });
    expect(kept).not.toMatch(/reader|other@/i);
    expect(cause.message).toMatch(/user unknown|is full|no such user/);
    expect(cause.message).toContain('(address)');
  });

  test('without a server nothing is sent', async () => {
    const error = await failure(await freePort());
    expect(error).toBeInstanceOf(NotSent);
    expect((error as NotSent).cause).not.toBeInstanceOf(NonRetryable);
  });
});
