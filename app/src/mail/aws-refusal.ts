import { NonRetryable, NotSent } from '../tasks';
import { withoutAddress } from './without-address';
import type { Addresses } from './without-address';

export interface RefusalOptions {
  /** As in a sentence. */
  readonly service: string;
  /** Names of errors that another attempt does not change. */
  readonly forGood: readonly string[];
  readonly addresses: Addresses;
}

/**
 * What an error of an AWS client says about a message: an answer of 4xx means that it was not taken. After anything else
 * (5xx, no answer, no connection that is known to have failed before the request left) nobody knows.
 */
export function refusalOf(thrown: unknown, { service, forGood, addresses }: RefusalOptions): Error {
  const { $metadata, name } = thrown as AwsError;
  const status = $metadata?.httpStatusCode ?? 0;
  const cause = withoutAddress(thrown, addresses);
  if (NEVER_CONNECTED.test(cause.message)) return new NotSent(cause);
  if (status < 400 || status >= 500) return cause;
  if (!forGood.includes(name)) return new NotSent(cause);
  return new NotSent(new NonRetryable(`${service} refuses the message: ${cause.message}`, { cause }));
}

/**
 * Looks for credentials before the request is made, as the SDK would: without any, nothing leaves, whatever the place
 * that hands them out has answered.
 * @throws NotSent
 */
export async function requireCredentials(client: AwsClient): Promise<void> {
  try {
    await client.config.credentials();
  } catch (error) {
    throw new NotSent(error);
  }
}

interface AwsClient {
  readonly config: { readonly credentials: () => Promise<unknown> };
}

interface AwsError {
  readonly name: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** By the message, which the SDK keeps where it wraps the system's error in one of its own. */
const NEVER_CONNECTED = /\b(connect ECONNREFUSED|getaddrinfo (ENOTFOUND|EAI_AGAIN))\b/;
