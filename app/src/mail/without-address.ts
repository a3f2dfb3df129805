const HIDDEN = '(address)';
const MAILBOX = /[^\s<>"'(),;:=]+@[^\s<>"'(),;:=]+/g;
/** Shorter ones are too often words of a reply. */
const SHORTEST_NAME = 3;

export interface Addresses {
  /** The reader's: of mail, or a telephone number. */
  readonly to: string;
  /** The library's own, which is no secret and helps: an address, or `Name <address>`. @default - none */
  readonly from?: string;
}

/**
 * What was thrown, as an error that names nobody's address: receivers repeat addresses in their replies, and what an
 * attempt failed with is kept with its task and logged. Only what helps is taken over: name, message, code and stack.
 */
export function withoutAddress(thrown: unknown, addresses: Addresses): Error {
  const given = thrown instanceof Error ? thrown : new Error(String(thrown));
  const hide = hiding(addresses);
  const cause = given.cause === undefined ? {} : { cause: withoutAddress(given.cause, addresses) };
  const shown = Object.assign(new Error(hide(given.message), cause), { name: given.name });
  if (given.stack !== undefined) shown.stack = hide(given.stack);
  return 'code' in given ? Object.assign(shown, { code: given.code }) : shown;
}

function hiding({ to, from = '' }: Addresses): (text: string) => string {
  const name = to.split('@', 1)[0]?.replace(/^\+/, '') ?? '';
  const words = name.length < SHORTEST_NAME ? [to] : [to, name];
  const reader = new RegExp(`(?<![\\w.-])\\+?(?:${words.map(literal).join('|')})(?![\\w-])`, 'gi');
  return (text) => text.replace(MAILBOX, (found) => (from.includes(found) ? found : HIDDEN)).replace(reader, HIDDEN);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
