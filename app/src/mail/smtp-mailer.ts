import { createHash } from 'node:crypto';
import { createTransport } from 'nodemailer';
import type { Transporter } from 'nodemailer';
import { NonRetryable, NotSent } from '../tasks';
import { unsubscribeHeaders } from './mailer';
import type { Mail, Mailer } from './mailer';
import { withoutAddress } from './without-address';
import type { Addresses } from './without-address';

/** Together below the time limit of the tasks that send. */
const CONNECT_MS = 5_000;
const SILENCE_MS = 15_000;

export interface SmtpMailerOptions {
  readonly host: string;
  readonly port: number;
  /** An address, or `Name <address>`. */
  readonly from: string;
}

/** Mail through an SMTP server that asks for no password: a catcher, or a relay in the same network. */
export class SmtpMailer implements Mailer {
  private readonly transport: Transporter;

  constructor(private readonly options: SmtpMailerOptions) {
    const { host, port } = options;
    this.transport = createTransport({
      ...{ host, port, secure: false },
      ...{ connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SILENCE_MS },
      // Text is never an address of a file or a page that is to be fetched.
      ...{ disableFileAccess: true, disableUrlAccess: true },
    });
  }

  async send(mail: Mail, { signal }: { readonly signal: AbortSignal }): Promise<string> {
    if (signal.aborted) throw new NotSent(signal.reason);
    const { to, subject, text } = mail;
    const messageId = `<${createHash('sha256').update(mail.key).digest('hex').slice(0, 32)}@holdfast>`;
    try {
      await this.transport.sendMail({
        ...{ from: this.options.from, to, subject, text, messageId },
        headers: { 'Auto-Submitted': 'auto-generated', ...unsubscribeHeaders(mail) },
      });
    } catch (error) {
      throw meaningOf(error, { to, from: this.options.from });
    }
    return messageId;
  }
}

/** Of nodemailer's errors, which name a lost connection CONN whatever was under way. */
interface SmtpError {
  /** The server's reply: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1 */
  readonly responseCode?: number;
  readonly code?: string;
  /** The call of the system that failed. */
  readonly syscall?: string;
  readonly timeoutType?: string;
}

/** A reply of 4xx or 5xx says that the server has not taken the mail; before its greeting it has not seen it. */
function meaningOf(thrown: unknown, addresses: Addresses): Error {
  const error = thrown as SmtpError;
  const { responseCode = 0 } = error;
  const cause = withoutAddress(thrown, addresses);
  if (responseCode >= 500) {
    return new NotSent(new NonRetryable(`the mail server refuses the mail: ${cause.message}`, { cause }));
  }
  return responseCode >= 400 || neverConnected(error) ? new NotSent(cause) : cause;
}

function neverConnected({ code, syscall, timeoutType }: SmtpError): boolean {
  return (
    syscall === 'connect' || code === 'EDNS' || ['CONNECT_TIMEOUT', 'GREETING_TIMEOUT'].includes(timeoutType ?? '')
  );
}
