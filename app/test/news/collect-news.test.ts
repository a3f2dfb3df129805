import { gzipSync } from 'node:zlib';
import { newsHandlers } from '../../src/news/news.handlers';
import { storeDocument } from '../../src/news/news-store';
import { collectNews, storeNews } from '../../src/news/news.tasks';
import { handle } from '../../src/tasks';
import type { TaskHandler } from '../../src/tasks';
import { drain } from '../../src/tasks/testing';
import { startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { atom, rss, send, startFeedServer, status } from './feed-server';
import { runNews } from './run-news';
import type { Answer, Entry, FeedServer } from './feed-server';

interface News {
  readonly total: number;
  readonly items: readonly { title: string; link: string | null; feed: string; summary: string; publishedAt: string }[];
  readonly feeds: readonly { feed: string; items: number; readAt: string | null; failingSince: string | null }[];
}

/** A feed that hangs must not make the test wait for long; the others answer at once. */
const LIMIT_SECONDS = 2;
const LINK_LOCAL = 'leads to a link-local address, which is never asked';
const INSIDE = 'redirects to another host whose address is not public';
const LARGE = 'is larger than 5 MiB, the most that is read';

const entry = (title: string): Entry => ({ id: title, title });

describe('collecting news', () => {
  let test_: TestApp;
  let server: FeedServer;
  beforeAll(async () => {
    test_ = await startTestApp();
  });
  beforeEach(async () => {
    server = await startFeedServer();
    await test_.database.query('truncate app.feed cascade');
  });
  afterEach(() => server.close());
  afterAll(() => test_.close());

  const handlers = (): readonly TaskHandler[] => newsHandlers({ tasks: test_.tasks, limitSeconds: LIMIT_SECONDS });
  const run = (replaced: readonly TaskHandler[] = []) =>
    runNews(test_, [
      ...handlers().filter(({ definition }) => !replaced.some((each) => each.definition === definition)),
      ...replaced,
    ]);
  const round = async (...feeds: string[]): Promise<News> => {
    await test_.tasks.accept(collectNews, { feeds });
    await run();
    return news();
  };
  const news = async (): Promise<News> => (await test_.request({ method: 'GET', url: '/api/news' })).json();
  const failuresByPath = async (): Promise<ReadonlyMap<string, string | null>> => {
    const feeds = await test_.database.query<{ address: string; failure: string | null }>('table app.feed');
    return new Map(feeds.rows.map(({ address, failure }) => [new URL(address).pathname, failure]));
  };
  const statesOf = async (name: string): Promise<string[]> =>
    (await test_.tasks.list({ name, limit: 200 })).items.map(({ state }) => state).sort();
  const documents = async (): Promise<number> =>
    (await test_.database.query('select from app.feed_document')).rowCount ?? 0;

  test('the items of RSS and Atom appear, newest first, and what comes later joins them', async () => {
    const first = { id: 'a', title: 'First', date: '2026-11-20T10:00:00Z', text: '&lt;b&gt;Bold&lt;/b&gt; news' };
    const town = server.at('/rss', send(rss('Town &amp; Country', [first])));
    const other = { id: 'urn:x:1', title: 'Other', link: '/relative', date: '2026-11-21T10:00:00Z' };
    const region = server.at('/atom', send(atom('Region', [other])));
    const before = await round(town, region);
    expect(before.items).toMatchObject([
      { title: 'Other', link: `${server.origin}/relative`, feed: 'Region' },
      { title: 'First', link: 'https://news.test/a', feed: 'Town & Country', summary: 'Bold news' },
    ]);
    server.at('/rss', send(rss('Town', [{ id: 'b', title: 'Second', date: '2026-11-22T10:00:00Z' }, first])));
    const after = await round(town, region);
    expect(after.items.map(({ title }) => title)).toEqual(['Second', 'Other', 'First']);
    expect(after.feeds.map(({ feed, items }) => [feed, items])).toEqual([
      ['Region', 1],
      ['Town', 2],
    ]);
    expect(await documents()).toBe(0);
  });

  test('asks with what the last document came with, and a 304 ends the flow', async () => {
    const feed = server.at('/rss', (request, response) => {
      if (request.headers['if-none-match'] === '"v1"') return void response.writeHead(304).end();
      send(rss('Town', [{ id: 'a', title: 'First' }]), {
        etag: '"v1"',
        'last-modified': 'Fri, 20 Nov 2026 10:00:00 GMT',
      })(request, response);
    });
    await round(feed);
    const parsed = await statesOf('news.parse');
    const { items, feeds } = await round(feed);
    expect(items).toHaveLength(1);
    expect(feeds[0]).toMatchObject({ failingSince: null, items: 1 });
    expect(server.requests.at(-1)?.headers).toMatchObject({
      'if-none-match': '"v1"',
      'if-modified-since': 'Fri, 20 Nov 2026 10:00:00 GMT',
    });
    expect(await statesOf('news.parse')).toEqual(['cancelled', ...parsed].sort());
  });

  test('feeds that are down say why, and do not hold up one that works', async () => {
    const down: readonly (readonly [path: string, answer: Answer, failure: string, asked: number])[] = [
      ['/500', status(500), 'answered 500', 2],
      ['/404', status(404), 'answered 404', 1],
      ['/hangs', () => undefined, 'did not answer in full within 2 s', 2],
      ['/metadata', status(302, { location: 'http://169.254.169.254/latest' }), LINK_LOCAL, 1],
      ['/metadata-number', status(302, { location: 'http://2852039166/' }), LINK_LOCAL, 1],
      ['/metadata-ipv6', status(302, { location: 'http://[::ffff:169.254.169.254]/' }), LINK_LOCAL, 1],
      ['/inside', status(302, { location: 'http://localhost:1/' }), INSIDE, 1],
      ['/inside-number', status(302, { location: 'http://127.0.0.1:1/' }), INSIDE, 1],
      ['/circle', status(301, { location: '/circle' }), 'redirects more than 5 times', 6],
      ['/file', status(301, { location: 'file:///etc/passwd' }), 'redirects to no web address', 1],
      ['/broken', send('<rss><channel></rss>'), 'is not well-formed XML: line 1: ', 1],
      ['/page', send('<html><body>Hello</body></html>'), 'is neither RSS nor Atom', 1],
      ['/bomb', send(bomb()), 'declares a document type, which no feed needs; it is not read', 1],
      ['/large', send('x'.repeat(6 * 1024 * 1024)), LARGE, 1],
      ['/packed', send(gzipSync('x'.repeat(6 * 1024 * 1024)), { 'content-encoding': 'gzip' }), LARGE, 1],
      ['/brotli', send('x', { 'content-encoding': 'br' }), 'is packed in another way than gzip', 1],
    ];
    const feeds = down.map(([path, answer]) => server.at(path, answer));
    const works = server.at('/works', send(gzipSync(rss('Works', [entry('First')])), { 'content-encoding': 'gzip' }));
    const { items, feeds: found } = await round(...feeds, works);
    expect(items.map(({ title }) => title)).toEqual(['First']);
    expect(found.filter(({ failingSince }) => failingSince === null).map(({ feed }) => feed)).toEqual(['Works']);
    const failures = await failuresByPath();
    for (const [path, , failure, asked] of down) {
      const times = server.requests.filter(({ url }) => url === path).length;
      expect([path, failures.get(path)]).toEqual([path, expect.stringContaining(failure)]);
      // On a machine that is busy an answer may also be late, and is asked for again.
      expect(times).toBeGreaterThanOrEqual(asked);
    }
    expect((await test_.tasks.list({ state: 'dead' })).items).toEqual([]);
    expect(await documents()).toBe(0);
    for (const [path] of down) server.at(path, send(rss('Up again', [])));
    expect((await round(...feeds, works)).feeds.filter(({ failingSince }) => failingSince !== null)).toEqual([]);
  });

  test('follows a redirect of the same host', async () => {
    const feed = server.at('/old', status(301, { location: '/new' }));
    server.at('/new', send(rss('Moved', [{ id: 'a', title: 'First', link: '/a' }])));
    expect((await round(feed)).items[0]).toMatchObject({ feed: 'Moved', link: `${server.origin}/a` });
  });

  test('items appear once although rounds race, and a feed under way gets no second flow', async () => {
    const feed = server.at(
      '/rss',
      send(
        rss('Town', [
          { id: 'a', title: 'First' },
          { id: 'b', title: 'Second' },
        ]),
      ),
    );
    const fetched = (await statesOf('news.fetch')).length;
    await Promise.all([1, 2, 3].map(() => test_.tasks.accept(collectNews, { feeds: [feed] })));
    const [collect] = handlers();
    await drain(test_.tasks, { handlers: [collect!] });
    expect(await statesOf('news.fetch')).toHaveLength(fetched + 1);
    await run();
    // Two documents with the same items, stored at the same time.
    const ids = ['01234567-89ab-4cde-8f01-23456789abcd', '01234567-89ab-4cde-8f01-23456789abce'];
    const reading = {
      title: 'Town',
      items: ['a', 'b', 'c'].map((guid) => ({ guid, title: guid, summary: '', link: null })),
    };
    for (const id of ids) {
      await test_.database.query(
        `insert into app.feed_document (id, feed_id, address, reading) select $1, id, address, $2 from app.feed`,
        [id, JSON.stringify(reading)],
      );
    }
    await Promise.all(ids.map((id) => test_.tasks.transaction((tx) => storeDocument(tx, id))));
    expect((await news()).items.map(({ title }) => title).sort()).toEqual(['First', 'Second', 'c']);
  });

  test('items appear once although storing them is repeated after a crash', async () => {
    const feed = server.at('/rss', send(rss('Town', [{ id: 'a', title: 'First' }]), { etag: '"v1"' }));
    let attempts = 0;
    const crashing = handle(storeNews, ({ payload, effects }) => {
      attempts += 1;
      const crash = attempts === 1;
      effects(async (tx) => {
        await storeDocument(tx, payload.documentId);
        if (crash) throw new Error('the worker is gone');
      });
      return Promise.resolve();
    });
    await test_.tasks.accept(collectNews, { feeds: [feed] });
    await run([crashing]);
    expect(attempts).toBe(2);
    expect((await news()).items.map(({ title }) => title)).toEqual(['First']);
    expect((await test_.database.query('select items, new_items, etag from app.feed')).rows).toEqual([
      { items: 1, new_items: 1, etag: '"v1"' },
    ]);
  });

  test('a flow that ends before its items are stored is asked for again in full', async () => {
    const feed = server.at('/rss', send(rss('Town', [{ id: 'a', title: 'First' }]), { etag: '"v1"' }));
    const broken = handle(storeNews, () => Promise.reject(new Error('never')));
    await test_.tasks.accept(collectNews, { feeds: [feed] });
    await run([broken]);
    expect((await news()).items).toEqual([]);
    expect((await round(feed)).items).toHaveLength(1);
    expect(server.requests.at(-1)?.headers['if-none-match']).toBeUndefined();
  });

  test('what is not configured any more is not shown and not asked', async () => {
    const one = server.at('/one', send(rss('One', [{ id: 'a', title: 'First' }])));
    const two = server.at('/two', send(rss('Two', [{ id: 'a', title: 'Second' }])));
    expect((await round(one, two)).total).toBe(2);
    expect(await round(two)).toMatchObject({ total: 1, items: [{ title: 'Second' }], feeds: [{ feed: 'Two' }] });
    expect((await round(one, two)).total).toBe(2);
  });
});

/** A billion laughs: ten entities of which each is ten of the one before. */
function bomb(): string {
  const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`);
  return `<?xml version="1.0"?><!-- <a --><!DOCTYPE rss [<!ENTITY e0 "ha">${entities.join('')}]><rss><channel><title>&e9;</title></channel></rss>`;
}
