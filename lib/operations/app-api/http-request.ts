import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { EXIT, OperationsError } from '../exit-codes';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Connects here instead of to the host of the URL, which stays the one that is asked for: `127.0.0.1:4566`. */
  readonly connectTo?: string | undefined;
  readonly signal: AbortSignal;
}

/** Longer than any administration route takes. */
const TIMEOUT_MS = 20_000;

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up',
  ECONNRESET: 'the connection broke',
  ETIMEDOUT: 'it did not answer in time',
};

/** @throws OperationsError when no answer comes; an answer with an error is an answer. */
export async function httpRequest(asked: HttpRequest): Promise<HttpAnswer> {
  const url = new URL(asked.url);
  const secure = url.protocol === 'https:';
  const [host = url.hostname, port = url.port] = asked.connectTo?.split(':') ?? [];
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const options = {
    method: asked.method,
    host,
    ...(port === '' ? {} : { port }),
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, ...asked.headers },
    signal: AbortSignal.any([asked.signal, timeout]),
    ...(secure ? { servername: url.hostname } : {}),
  };
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const request = (secure ? requestHttps : requestHttp)(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
      });
      request.on('error', reject);
      request.end(asked.body);
    });
  } catch (error) {
    asked.signal.throwIfAborted();
    throw new OperationsError(
      EXIT.unavailable,
      `The app at ${url.origin} cannot be reached: ${whyOf(error, timeout)}`,
      {
        cause: error,
      },
    );
  }
}

function whyOf(error: unknown, timeout: AbortSignal): string {
  const mend = 'see with status whether its web containers run, and whether your address is in allowedCidrs.';
  if (timeout.aborted) return `it did not answer within ${TIMEOUT_MS / 1_000} s; ${mend}`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = NETWORK[code] ?? (error instanceof Error ? error.message : String(error));
  return `${why}; ${mend}`;
}
