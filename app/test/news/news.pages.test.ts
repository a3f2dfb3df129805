import { newsHandlers } from '../../src/news/news.handlers';
import { collectNews } from '../../src/news/news.tasks';
import { ADMIN_TOKEN, expectProblem, startTestApp } from '../http/test-app';
import type { TestApp } from '../http/test-app';
import { atom, rss, send, startFeedServer, status } from './feed-server';
import { runNews } from './run-news';
import type { FeedServer } from './feed-server';

describe('the page of news', () => {
  let test_: TestApp;
  let server: FeedServer;
  beforeAll(async () => {
    [test_, server] = await Promise.all([startTestApp(), startFeedServer()]);
  });
  afterAll(async () => {
    await server.close();
    await test_.close();
  });

  const page = async (url = '/news', headers: Record<string, string> = {}): Promise<string> => {
    const answer = await test_.request({ method: 'GET', url, headers });
    expect(answer.statusCode).toBe(200);
    return answer.body;
  };
  const collect = async (...feeds: string[]): Promise<void> => {
    await test_.tasks.accept(collectNews, { feeds });
    await runNews(test_, newsHandlers({ tasks: test_.tasks }));
  };

  test('says that there is nothing yet', async () => {
    expect(await page()).toContain('The library collects no news yet.');
  });

  test('shows what feeds say as text, links to the web only, and tells the staff alone why one fails', async () => {
    const markup = '&lt;script&gt;alert(1)&lt;/script&gt;';
    const feed = server.at(
      '/atom',
      send(
        atom(`Region ${markup}`, [
          { id: '1', title: `Title ${markup}`, text: `${markup}&lt;p&gt;Text &amp;amp; more&lt;/p&gt;` },
          { id: '2', title: 'No link', link: 'javascript:alert(2)' },
        ]),
      ),
    );
    const down = server.at('/down?key=secret', status(503));
    await collect(feed, down);
    const html = await page();
    expect(html).toContain('Title &lt;script>alert(1)&lt;/script>');
    expect(html).not.toMatch(/<script>|javascript:|secret/);
    expect(html).toContain('<p>Text &amp; more</p>');
    expect(html).toMatch(/<a href="https:\/\/news\.test\/1" rel="noopener noreferrer nofollow">/);
    // In the library's zone, an hour ahead.
    expect(html).toContain('<time datetime="2026-11-20T10:00:00.000Z">20 November 2026, 11:00</time>');
    expect(html).toContain(`<strong>${new URL(down).host}</strong> cannot be read since`);
    expect(html).not.toContain('answered 503');
    const signedIn = await test_.request({ method: 'POST', url: '/sign-in', payload: { password: ADMIN_TOKEN } });
    const cookie = String(signedIn.headers['set-cookie']).split(';')[0]!;
    expect(await page('/news', { cookie })).toContain('The feed answered 503.');
  });

  test('has pages', async () => {
    const entries = Array.from({ length: 45 }, (_, i) => ({
      id: String(i),
      title: `Item ${i}`,
      date: new Date(Date.UTC(2026, 10, 1) + i * 60_000).toISOString(),
    }));
    await collect(server.at('/rss', send(rss('Town', entries))));
    expect(await page()).toMatch(/Item 44[^]*Item 25[^]*Page 1 of 3[^]*Older/);
    expect(await page('/news?page=3')).toMatch(/Item 4<[^]*Item 0<[^]*Page 3 of 3/);
    expect(await page('/news?page=4')).toContain('There is no more news.');
    expect((await test_.request({ method: 'GET', url: '/api/news?page=2' })).json()).toMatchObject({
      total: 45,
      page: 2,
      items: { length: 20, 0: { title: 'Item 24' } },
    });
    expectProblem(await test_.request({ method: 'GET', url: '/api/news?page=0' }), 400, /^query.page is "0"; allowed /);
  });
});
