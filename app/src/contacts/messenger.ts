import type { Channel } from '../configuration/channels';
import type { MailAddress, SmsAddress } from '../configuration/addresses';
import { ENVIRONMENT } from '../contract';
import { openMailer } from '../mail/open-mailer';
import type { Mailer } from '../mail/mailer';
import { openSmsSender } from '../sms/open-sms-sender';
import type { SmsSender } from '../sms/sms-sender';
import { NonRetryable, NotSent } from '../tasks';

export interface Message {
  readonly channel: Channel;
  readonly address: string;
  /** Of mail. */
  readonly subject: string;
  readonly text: string;
  readonly key: string;
  /** Where a POST ends such messages. @default - they cannot be ended */
  readonly unsubscribeUrl?: string;
}

export interface MessengerConfiguration {
  readonly mailUrl?: MailAddress | undefined;
  readonly mailFrom?: string | undefined;
  readonly smsUrl?: SmsAddress | undefined;
}

/** Sends a message in the way that its reader chose. */
export class Messenger {
  /** Undefined: not configured; what is to be sent that way is refused for good, until a person retries it. */
  constructor(
    private readonly mailer: Mailer | undefined,
    private readonly sms: SmsSender | undefined,
  ) {}

  /** As `Mailer.send` and `SmsSender.send`. */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<string> {
    const { channel, address: to, subject, text, key, unsubscribeUrl } = message;
    if (channel === 'email') {
      const mail = { to, subject, text, key, ...(unsubscribeUrl === undefined ? {} : { unsubscribeUrl }) };
      return (this.mailer ?? missing(ENVIRONMENT.mailUrl)).send(mail, options);
    }
    return (this.sms ?? missing(ENVIRONMENT.smsUrl)).send({ to, text, key }, options);
  }
}

export function openMessenger({ mailUrl, mailFrom = '', smsUrl }: MessengerConfiguration): Messenger {
  return new Messenger(
    mailUrl === undefined ? undefined : openMailer(mailUrl, mailFrom),
    smsUrl === undefined ? undefined : openSmsSender(smsUrl, mailFrom),
  );
}

function missing(variable: string): never {
  throw new NotSent(new NonRetryable(`${variable} is not set, so the worker cannot send; set it and retry the task`));
}
