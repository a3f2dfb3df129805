import { EXIT, OperationsError } from '../exit-codes';
import type { ExitCode } from '../exit-codes';

export interface AskedAws {
  /** `ECS` */
  readonly service: string;
  /** `DescribeServices` */
  readonly operation: string;
  readonly region: string;
}

/** An error of AWS, or on the way to it, in a sentence. */
export class AwsError extends OperationsError {
  override readonly name = 'AwsError';
  constructor(
    exitCode: ExitCode,
    sentence: string,
    /** AWS's own name of the error, such as `ServiceNotFoundException`. */
    readonly code: string,
    cause: unknown,
  ) {
    super(exitCode, sentence, { cause });
  }

  override and(sentence: string): AwsError {
    return new AwsError(this.exitCode, `${this.message} ${sentence}`, this.code, this);
  }
}

/** Whether AWS answered with an error of one of these names. */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}

const NO_CREDENTIALS = ['CredentialsProviderError', 'TokenProviderError'];
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'TokenRefreshRequired'];
const UNKNOWN = [
  ...['InvalidClientTokenId', 'UnrecognizedClientException', 'SignatureDoesNotMatch', 'InvalidSignatureException'],
  ...['AuthFailure', 'IncompleteSignature', 'InvalidAccessKeyId', 'MissingAuthenticationToken'],
];
const DENIED = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation', 'NotAuthorized'];
const MEND_CREDENTIALS = 'sign in with aws sso login or aws configure, or set AWS_PROFILE';

/** Networks' own names for what goes wrong. */
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up',
  ECONNRESET: 'the connection broke',
  ETIMEDOUT: 'it does not answer in time',
  TimeoutError: 'it does not answer in time',
};

export function toldError(error: unknown, { service, operation, region }: AskedAws): OperationsError {
  if (error instanceof OperationsError) return error;
  const { name, message, code } = partsOf(error);
  const asked = `${service} ${operation} in ${region}`;
  const told = (exitCode: ExitCode, sentence: string) => new AwsError(exitCode, sentence, name, error);
  if (NO_CREDENTIALS.includes(name)) {
    return told(EXIT.credentials, `There are no credentials for AWS (${oneLine(message)}): ${MEND_CREDENTIALS}.`);
  }
  if (EXPIRED.includes(name))
    return told(EXIT.credentials, `The credentials for AWS have expired: ${MEND_CREDENTIALS}.`);
  if (UNKNOWN.includes(name)) {
    return told(EXIT.credentials, `AWS does not know the credentials (${name} of ${asked}): ${MEND_CREDENTIALS}.`);
  }
  if (DENIED.includes(name)) {
    return told(
      EXIT.credentials,
      `The credentials do not permit ${asked} (${oneLine(message)}): have the permission added, or use others.`,
    );
  }
  const network = NETWORK[code] ?? NETWORK[name];
  if (network !== undefined) {
    return told(
      EXIT.unavailable,
      `${asked} cannot be asked: ${network}${code === '' ? '' : ` (${code})`}; look at the network and at AWS_ENDPOINT_URL, then do it again.`,
    );
  }
  return told(EXIT.unavailable, `AWS answered ${asked} with ${name}: ${oneLine(message)}.`);
}

function partsOf(error: unknown): { readonly name: string; readonly message: string; readonly code: string } {
  if (!(error instanceof Error)) return { name: 'an error', message: String(error), code: '' };
  const own: unknown = 'code' in error ? error.code : undefined;
  const { cause } = error;
  const code = typeof own === 'string' ? own : cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return { name: error.name, message: error.message, code };
}

/** Without line breaks and the final stop. */
export function oneLine(message: string): string {
  return message
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
}
