import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { OutboxMessage } from '../../src/outbox/outbox-message';
import { LOCAL_SMS_DOMAIN } from '../../src/sms/local-sms-domain';
import { MessageStore } from './message-store';

export interface CatcherOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly smtpPort: number;
  readonly httpPort: number;
  /** Where messages are kept. @default - in memory only */
  readonly file?: string;
}

export interface MailCatcher {
  readonly smtpPort: number;
  readonly httpPort: number;
  /** Newest first. */
  messages(): readonly OutboxMessage[];
  close(): Promise<void>;
}

const LARGEST_BYTES = 1024 * 1024;

/**
 * An SMTP server that takes all mail and delivers none, and `GET /messages` that shows it as JSON. What goes to
 * <number>@sms.localhost is a text message.
 */
export async function startMailCatcher(options: CatcherOptions): Promise<MailCatcher> {
  const { host = '127.0.0.1', smtpPort, httpPort, file } = options;
  const store = new MessageStore(file);
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: LARGEST_BYTES,
    onData: (stream, session, done) => {
      take(stream, session).then(
        (messages) => {
          for (const message of messages) store.add(message);
          done();
        },
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
  // A client that goes away in the middle of a mail is its own affair.
  smtp.on('error', () => undefined);
  const http = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/messages';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? { messages: store.messages } : {}));
  });
  await new Promise<void>((resolve, reject) => {
    smtp.server.once('error', reject);
    smtp.listen(smtpPort, host, resolve);
  });
  await new Promise<void>((resolve, reject) => http.once('error', reject).listen(httpPort, host, resolve));
  return {
    smtpPort: (smtp.server.address() as AddressInfo).port,
    httpPort: (http.address() as AddressInfo).port,
    messages: () => store.messages,
    close: async () => {
      await new Promise<void>((resolve) => smtp.close(resolve));
      await new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    },
  };
}

/** One message for each recipient, as each of them would get it. */
async function take(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<OutboxMessage[]> {
  const mail = await simpleParser(stream);
  const { mailFrom, rcptTo } = session.envelope;
  return rcptTo.map(({ address }) => {
    const [name = '', domain = ''] = address.split('@');
    const sms = domain.toLowerCase() === LOCAL_SMS_DOMAIN;
    return {
      id: randomUUID(),
      receivedAt: new Date().toISOString(),
      channel: sms ? 'sms' : 'email',
      to: sms ? `+${name}` : address,
      from: mail.from?.text ?? (mailFrom === false ? '' : mailFrom.address),
      subject: mail.subject ?? '',
      text: mail.text ?? '',
    };
  });
}
