import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The header Retry-After. */
  readonly retryAfter: string | undefined;
  /** The header x-cache. */
  readonly cache: string | undefined;
}

/** A request without an answer by then has none. */
const PATIENCE_MS = 10_000;

/** Plain HTTP to one process, without retries of its own. */
export class HttpClient {
  private readonly agent: Agent;

  constructor(
    private readonly port: number,
    private readonly token: string,
    /** Whether connections are kept, or each request has a new one. */
    connections: 'kept' | 'new' = 'kept',
  ) {
    this.agent = new Agent({ keepAlive: connections === 'kept', maxSockets: 64 });
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path, undefined, {});
  }

  /** @param headers beside those of the credentials and the body */
  post(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send('POST', path, JSON.stringify(body), headers);
  }

  close(): void {
    this.agent.destroy();
  }

  /** @throws Error when no whole answer came. */
  private send(
    method: string,
    path: string,
    body: string | undefined,
    more: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...{ host: '127.0.0.1', port: this.port, method, path, agent: this.agent },
          headers: {
            authorization: `Bearer ${this.token}`,
            ...more,
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        },
        (incoming) => {
          let text = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (chunk: string) => (text += chunk));
          incoming.on('end', () => {
            const { statusCode: status = 0, headers } = incoming;
            resolve({ status, body: text, retryAfter: headers['retry-after'], cache: headers['x-cache']?.toString() });
          });
          incoming.on('error', reject);
          incoming.on('aborted', () => reject(new Error('the answer broke off')));
        },
      );
      outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}
