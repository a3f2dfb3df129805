import { NonRetryable, NotSent } from '../tasks';

/**
 * What an error of an AWS client says about a message: an answer of 4xx means that it was not taken. After anything else
 * (5xx, no answer, no connection that is known to have failed before the request left) nobody knows.
 * @param service as in a sentence
 * @param forGood names of errors that another attempt does not change
 */
export function refusalOf(cause: unknown, service: string, forGood: readonly string[]): unknown {
  const error = cause as AwsError;
  const status = error.$metadata?.httpStatusCode ?? 0;
  if (NEVER_CONNECTED.test(error.message)) return new NotSent(cause);
  if (status < 400 || status >= 500) return cause;
  if (!forGood.includes(error.name)) return new NotSent(cause);
  return new NotSent(new NonRetryable(`${service} refuses the message: ${error.message}`, { cause }));
}

interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** By the message, which the SDK keeps where it wraps the system's error in one of its own. */
const NEVER_CONNECTED = /\b(connect ECONNREFUSED|getaddrinfo (ENOTFOUND|EAI_AGAIN))\b/;
