/** What an error of an AWS client may tell, besides its message. */
interface ClientError extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $retryable?: object;
}

/** Names of errors that AWS answers with status 400 and that nevertheless pass. Source: "Retry behavior", AWS SDKs guide. */
const THROTTLED =
  /Throttl|^TooManyRequestsException$|^RequestLimitExceeded$|^SlowDown$|^RequestTimeout(Exception)?$|^TimeoutError$/;
/** Node.js's names for a network that does not answer. */
const NETWORK =
  /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ERR_SOCKET_TIMEOUT)$/;

/** Whether what failed may well succeed a few seconds later: throttling, a fault on the side of AWS, the network. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata, $retryable } = error as ClientError;
  const status = $metadata?.httpStatusCode ?? 0;
  return (
    $retryable !== undefined ||
    status === 429 ||
    status >= 500 ||
    THROTTLED.test(name) ||
    (typeof code === 'string' && NETWORK.test(code))
  );
}
