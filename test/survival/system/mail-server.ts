import { appendFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import { testFolder } from '../../../app/test/servers/private-servers';

/** What it does with a mail that has come in full. */
export type Reception = 'accept' | 'accept-silently' | 'refuse-for-now';

export interface ReceivedMail {
  readonly to: string;
  readonly text: string;
}

/** A mail server that keeps a journal of its own of what it has taken, and fails as it is told to. */
export class MailServer {
  /** What it has taken, whether or not the sender heard of it. */
  readonly taken: ReceivedMail[] = [];
  /** How often it has refused. */
  refused = 0;
  /** Of each mail, by how many were taken for its address before. */
  receive: (earlier: number) => Reception = () => 'accept';
  private readonly file = join(testFolder('mail'), 'taken.jsonl');

  static async start(): Promise<MailServer> {
    const mail = new MailServer();
    await new Promise<void>((resolve, reject) => {
      mail.smtp.server.once('error', reject);
      mail.smtp.listen(0, '127.0.0.1', resolve);
    });
    return mail;
  }

  private readonly smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo[0]?.address ?? '';
        const reception = this.receive(this.takenFor(to).length);
        if (reception === 'refuse-for-now') {
          this.refused += 1;
          // https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3
          done(Object.assign(new Error('busy, try again later'), { responseCode: 451 }));
          return;
        }
        this.take({ to, text: Buffer.concat(chunks).toString() });
        if (reception === 'accept') done();
      });
    },
  });

  private constructor() {
    // A client that goes away in the middle of a mail is its own affair.
    this.smtp.on('error', () => undefined);
  }

  get port(): number {
    return (this.smtp.server.address() as AddressInfo).port;
  }

  takenFor(address: string): ReceivedMail[] {
    return this.taken.filter(({ to }) => to === address);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.smtp.close(resolve));
  }

  private take(mail: ReceivedMail): void {
    this.taken.push(mail);
    appendFileSync(this.file, `${JSON.stringify(mail)}\n`);
  }
}
