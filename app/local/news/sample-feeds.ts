import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SampleFeedOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Milliseconds since 1970. @default the system's clock */
  readonly now?: () => number;
}

export interface SampleFeeds {
  readonly port: number;
  close(): Promise<void>;
}

/** Items that a feed lists: those of the last half hour. */
const LISTED = 30;
const MINUTE_MS = 60_000;

const SUBJECTS = ['The reading room', 'The film club', 'The children’s corner', 'The sound archive', 'The book bus'];
const EVENTS = [
  'opens an hour longer',
  'looks for helpers',
  'has new chairs',
  'shows its treasures',
  'moves a floor up',
];

interface Feed {
  readonly title: string;
  readonly type: string;
  readonly write: (title: string, items: readonly Item[]) => string;
  /** Whether it answers in this minute. */
  readonly isUp: (minute: number) => boolean;
}

interface Item {
  readonly id: string;
  readonly title: string;
  readonly link: string;
  readonly at: Date;
}

const FEEDS: Readonly<Record<string, Feed>> = {
  '/town.rss': { title: 'Town news', type: 'application/rss+xml', write: writeRss, isUp: () => true },
  '/region.atom': {
    title: 'Libraries of the region',
    type: 'application/atom+xml',
    write: writeAtom,
    isUp: () => true,
  },
  '/shaky.rss': {
    title: 'The shaky gazette',
    type: 'application/rss+xml',
    write: writeRss,
    isUp: (minute) => minute % 3 !== 2,
  },
};

/** Paths of the sample feeds: RSS, Atom, and one that is down for one minute in three. */
export const SAMPLE_FEEDS: readonly string[] = Object.keys(FEEDS);

/** Serves feeds with a new item every minute, each with an ETag that it honours. */
export async function startSampleFeeds({
  host = '127.0.0.1',
  port,
  now = Date.now,
}: SampleFeedOptions): Promise<SampleFeeds> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const minute = Math.floor(now() / MINUTE_MS);
    const feed = Object.hasOwn(FEEDS, path) ? FEEDS[path] : undefined;
    const etag = `"${minute}"`;
    if (feed === undefined) return void response.writeHead(404).end();
    if (!feed.isUp(minute)) return void response.writeHead(503).end();
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    const items = Array.from({ length: LISTED }, (_, i) =>
      itemOf(path, minute - i, `http://${request.headers.host ?? ''}`),
    );
    response.writeHead(200, { etag, 'content-type': feed.type, 'last-modified': items[0]?.at.toUTCString() });
    response.end(feed.write(feed.title, items));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function itemOf(path: string, minute: number, origin: string): Item {
  // Another order for each feed, so that they do not all say the same at the same time.
  const turn = minute + path.length;
  const subject = SUBJECTS[turn % SUBJECTS.length] ?? '';
  const event = EVENTS[Math.floor(turn / SUBJECTS.length) % EVENTS.length] ?? '';
  return {
    id: `${path}#${minute}`,
    title: `${subject} ${event}`,
    link: `${origin}${path}`,
    at: new Date(minute * MINUTE_MS),
  };
}

function writeRss(title: string, items: readonly Item[]): string {
  const list = items.map(
    (item) =>
      `<item><guid isPermaLink="false">${item.id}</guid><title>${item.title}</title><link>${item.link}</link>` +
      `<pubDate>${item.at.toUTCString()}</pubDate><description><![CDATA[<p>${item.title}: <em>more at the desk</em>.</p>]]></description></item>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>${title}</title>${list.join('')}</channel></rss>`;
}

function writeAtom(title: string, items: readonly Item[]): string {
  const list = items.map(
    (item) =>
      `<entry><id>${item.id}</id><title>${item.title}</title><link href="${item.link}"/>` +
      `<updated>${item.at.toISOString()}</updated><summary>${item.title}; ask for the programme.</summary></entry>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>${title}</title>${list.join('')}</feed>`;
}
