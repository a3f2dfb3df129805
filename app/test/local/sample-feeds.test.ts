import { SAMPLE_FEEDS, startSampleFeeds } from '../../local/news/sample-feeds';
import type { SampleFeeds } from '../../local/news/sample-feeds';
import { readFeed } from '../../src/news/feed-xml';

const MINUTE_MS = 60_000;

describe('the sample feeds', () => {
  let minute = 3_000_000;
  let feeds: SampleFeeds;
  beforeAll(async () => {
    feeds = await startSampleFeeds({ port: 0, now: () => minute * MINUTE_MS });
  });
  afterAll(() => feeds.close());

  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${feeds.port}${path}`, { headers });
  const read = async (path: string) =>
    readFeed({
      body: Buffer.from(await (await get(path)).arrayBuffer()),
      charset: null,
      address: 'http://sample.test/',
    });

  it('have a new item every minute', async () => {
    for (const path of SAMPLE_FEEDS) {
      minute = 3_000_000;
      const before = (await read(path)).items;
      minute += 1;
      const after = (await read(path)).items;
      expect(before).toHaveLength(30);
      expect(after.map(({ guid }) => guid).slice(1)).toEqual(before.map(({ guid }) => guid).slice(0, -1));
      expect(after[0]?.publishedAt).toBe(new Date(minute * MINUTE_MS).toISOString());
    }
  });

  it('honour the tag until then, and one is down in every third minute', async () => {
    minute = 3_000_000;
    const etag = (await get('/town.rss')).headers.get('etag')!;
    expect((await get('/town.rss', { 'if-none-match': etag })).status).toBe(304);
    minute += 2;
    expect((await get('/town.rss', { 'if-none-match': etag })).status).toBe(200);
    expect((await get('/shaky.rss')).status).toBe(503);
    expect((await get('/constructor')).status).toBe(404);
  });
});
