import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an object store fails: in the middle of everything that is sent to it or asked of it. */
export type ObjectFault = 'none' | 'half-way';

interface Stored {
  readonly bytes: Buffer;
  readonly modifiedAt: Date;
}

const BUCKET = 'objects';

/**
 * What the app uses of S3 for objects of less than 5 MiB, which travel in one part
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html). It can reset its connections when half of an object
 * has passed; what has come in by then is not stored, as S3 stores an object whole or not at all.
 */
export class ObjectServer {
  fault: ObjectFault = 'none';
  /** How many uploads and downloads it has cut off. */
  readonly cut = { uploads: 0, downloads: 0 };
  private readonly objects = new Map<string, Stored>();

  static async start(): Promise<ObjectServer> {
    const objects = new ObjectServer();
    await once(objects.server.listen(0, '127.0.0.1'), 'listening');
    return objects;
  }

  private readonly server: Server = createServer((request, response) => {
    const key = new URL(request.url ?? '', 'http://s3').pathname;
    this.answer(key, request, response).catch(() => response.destroy());
  });

  readonly url = `s3://${BUCKET}`;

  /** What the AWS SDK of the app reads to find it. */
  get environment(): Readonly<Record<string, string>> {
    const { port } = this.server.address() as AddressInfo;
    return {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.method) {
      case 'PUT':
        await this.put(key, request, response);
        return;
      case 'GET':
      case 'HEAD':
        this.get(key, request, response);
        return;
      case 'DELETE':
        this.objects.delete(key);
        response.writeHead(204).end();
        return;
      default:
        response.writeHead(501).end();
    }
  }

  private async put(key: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const length = Number(request.headers['content-length']);
    const chunks: Buffer[] = [];
    let received = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      received += chunk.length;
      if (this.fault === 'none' || received < length / 2) continue;
      this.cut.uploads += 1;
      request.socket.resetAndDestroy();
      return;
    }
    const bytes = Buffer.concat(chunks);
    this.objects.set(key, { bytes, modifiedAt: new Date() });
    response.writeHead(200, { etag: etagOf(bytes) }).end();
  }

  private get(key: string, request: IncomingMessage, response: ServerResponse): void {
    const stored = this.objects.get(key);
    if (stored === undefined) {
      response.writeHead(404, { 'content-type': 'application/xml' });
      response.end(request.method === 'HEAD' ? undefined : '<Error><Code>NoSuchKey</Code></Error>');
      return;
    }
    const { bytes, modifiedAt } = stored;
    response.writeHead(200, {
      ...{ 'content-length': bytes.length, 'last-modified': modifiedAt.toUTCString() },
      etag: etagOf(bytes),
    });
    if (request.method === 'HEAD') response.end();
    else if (this.fault === 'none') response.end(bytes);
    else {
      this.cut.downloads += 1;
      response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.resetAndDestroy());
    }
  }
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
