import type { MailAddress } from '../configuration/addresses';
import type { Mailer } from './mailer';
import { SesMailer } from './ses-mailer';
import { SmtpMailer } from './smtp-mailer';

/**
 * The mailer that MAIL_URL names. Nothing is connected yet.
 * @param from an address, or `Name <address>`
 */
export function openMailer(address: MailAddress, from: string): Mailer {
  return address.kind === 'ses' ? new SesMailer(address.region, from) : new SmtpMailer({ ...address, from });
}
