import { parsePhoneNumberFromString } from 'libphonenumber-js';
import type { Channel } from '../configuration/channels';

/** https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.3 */
export const ADDRESS_LENGTH = 254;

const LOCAL_PART_LENGTH = 64;
/** What mail servers take in practice: no quotes, no comments, a domain with a dot. */
const MAILBOX =
  /^([a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*)$/i;

export const ADDRESS_RULES: Readonly<Record<Channel, string>> = {
  email: 'an e-mail address such as name@example.org',
  sms: 'a telephone number with its country, such as +49 30 1234567',
};

/**
 * The address as it is kept and compared: of mail in lower case (no receiver of today tells capitals apart, and limits
 * count by it), of a telephone in E.164.
 * @returns undefined when it is none.
 */
export function normalAddress(channel: Channel, text: string): string | undefined {
  return channel === 'email' ? mailbox(text.trim()) : number(text);
}

function mailbox(text: string): string | undefined {
  const [, local = '', domain = ''] = MAILBOX.exec(text) ?? [];
  if (local === '' || local.length > LOCAL_PART_LENGTH || text.length > ADDRESS_LENGTH) return undefined;
  return `${local}@${domain}`.toLowerCase();
}

function number(text: string): string | undefined {
  const parsed = parsePhoneNumberFromString(text);
  return parsed?.isValid() === true && parsed.ext === undefined ? parsed.number : undefined;
}
