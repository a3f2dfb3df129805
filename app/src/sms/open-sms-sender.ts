import type { SmsAddress } from '../configuration/addresses';
import { SmtpMailer } from '../mail/smtp-mailer';
import { MailSmsSender } from './mail-sms-sender';
import type { SmsSender } from './sms-sender';
import { SnsSmsSender } from './sns-sms-sender';

/**
 * The sender that SMS_URL names. Nothing is connected yet.
 * @param from sender of the mail to a gateway
 */
export function openSmsSender(address: SmsAddress, from: string): SmsSender {
  if (address.kind === 'sns') return new SnsSmsSender(address.region);
  return new MailSmsSender(new SmtpMailer({ ...address, from }), address.domain);
}
