import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** What is answered instead of what AWS would. */
export interface OtherAnswer {
  readonly status?: number;
  /** JSON, or XML as text. */
  readonly body: object | string;
}

export interface AwsInBetween {
  readonly endpoint: string;
  /** Is told each request's operation, such as `DescribeTasks`, before it goes on; answers in its place, or not. */
  instead: (operation: string) => OtherAnswer | undefined;
  stop(): Promise<void>;
}

/** Stands before an emulated AWS, for answers that the real one gives now and then and the emulated one never does. */
export async function startAwsInBetween(target: string): Promise<AwsInBetween> {
  const between = { instead: (): OtherAnswer | undefined => undefined } as Pick<AwsInBetween, 'instead'>;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      // The older services name the operation in the form that they are sent.
      const asked = request.headers['x-amz-target'] ?? /\bAction=(\w+)/.exec(body.toString())?.[1];
      const other = between.instead(String(asked).split('.').at(-1) ?? '');
      if (other !== undefined) {
        const isXml = typeof other.body === 'string';
        response.writeHead(other.status ?? 200, { 'content-type': isXml ? 'text/xml' : 'application/x-amz-json-1.1' });
        response.end(isXml ? other.body : JSON.stringify(other.body));
        return;
      }
      const headers = Object.entries(request.headersDistinct).flatMap(([name, values = []]) =>
        ['host', 'connection', 'content-length', 'expect'].includes(name) ? [] : values.map((value) => [name, value]),
      ) as [string, string][];
      fetch(`${target}${request.url ?? ''}`, {
        method: request.method ?? 'GET',
        headers,
        ...(body.length === 0 ? {} : { body }),
      })
        .then(async (answer) => {
          const told = ['content-type', 'smithy-protocol'].flatMap((name) => [name, answer.headers.get(name) ?? '']);
          response.writeHead(answer.status, told);
          response.end(Buffer.from(await answer.arrayBuffer()));
        })
        .catch(() => response.destroy());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(between, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}
