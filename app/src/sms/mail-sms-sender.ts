import type { Mailer } from '../mail/mailer';
import type { Sms, SmsSender } from './sms-sender';

/** Text messages through a gateway that takes mail: +49 30 1234 of `sms.example.org` is 49301234@sms.example.org. */
export class MailSmsSender implements SmsSender {
  /** @param domain of the gateway */
  constructor(
    private readonly mailer: Mailer,
    private readonly domain: string,
  ) {}

  send({ to, text, key }: Sms, options: { readonly signal: AbortSignal }): Promise<string> {
    return this.mailer.send({ to: `${to.replace('+', '')}@${this.domain}`, subject: '', text, key }, options);
  }
}
