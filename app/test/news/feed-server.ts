import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface FeedServer {
  readonly origin: string;
  /** What was asked, in order: the path and the headers. */
  readonly requests: readonly IncomingMessage[];
  /** Says what is answered at the path from now on. */
  at(path: string, answer: Answer): string;
  close(): Promise<void>;
}

/** A real HTTP server on loopback whose feeds a test writes. */
export async function startFeedServer(): Promise<FeedServer> {
  const answers = new Map<string, Answer>();
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const answer = answers.get(request.url ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    requests,
    at: (path, answer) => {
      answers.set(path, answer);
      return `${origin}${path}`;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const send =
  (body: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/xml', ...headers }).end(body);

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(code, headers).end();

export interface Entry {
  readonly id: string;
  readonly title: string;
  /** @default one of its id */
  readonly link?: string;
  /** @default 2026-11-20T10:00:00Z */
  readonly date?: string;
  /** @default none */
  readonly text?: string;
}

const DATE = '2026-11-20T10:00:00Z';

/** Titles, links and texts are XML already. */
export function rss(title: string, entries: readonly Entry[]): string {
  const items = entries.map(
    ({ id, title: heading, link = `https://news.test/${id}`, date = DATE, text = '' }) =>
      `<item><guid isPermaLink="false">${id}</guid><title>${heading}</title><link>${link}</link>` +
      `<pubDate>${new Date(date).toUTCString()}</pubDate><description>${text}</description></item>`,
  );
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>${title}</title>${items.join('')}</channel></rss>`;
}

/** As `rss`, in the other form. */
export function atom(title: string, entries: readonly Entry[]): string {
  const items = entries.map(
    ({ id, title: heading, link = `https://news.test/${id}`, date = DATE, text = '' }) =>
      `<entry><id>${id}</id><title>${heading}</title><link rel="self" href="/self"/><link href="${link}"/>` +
      `<updated>${date}</updated><summary type="html">${text}</summary></entry>`,
  );
  return `<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>${title}</title>${items.join('')}</feed>`;
}
