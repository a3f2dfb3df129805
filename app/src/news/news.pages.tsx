import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import { Pager } from '../pages/pager';
import type { SendPage } from '../pages/page';
import type { StaffSessions } from '../staff/sessions';
import { queryNumber } from '../validation/values';
import { listNews, NEWS_PER_PAGE } from './news-store';
import type { FeedState, NewsItem } from './news-store';
import { MAX_PAGE } from './news.routes';

export interface NewsPagesDependencies {
  readonly library: Library;
  readonly send: SendPage;
  readonly sessions: StaffSessions;
  readonly database: Queryable;
}

/** What the feeds brought, the newest first, and which of them cannot be read; why, only the staff is told. */
export function registerNewsPages(app: App, { library, send, sessions, database }: NewsPagesDependencies): void {
  const time = new LibraryTime(library.timeZone);
  const querystring = z.object({ page: queryNumber({ min: 1, max: MAX_PAGE, otherwise: 1 }) });
  app.get('/news', { schema: { hide: true, querystring } }, async (request, reply) => {
    const { page } = request.query;
    const { total, items, feeds } = await inTime(listNews(database, page));
    const staff = sessions.isStaff(request);
    return send(request, reply, {
      title: 'News',
      body: (
        <>
          <h1>News</h1>
          {feeds.filter(isFailing).map((feed) => (
            <Failure key={feed.feed} {...{ time, staff, feed }} />
          ))}
          {items.length === 0 ? <Nothing page={page} feeds={feeds.length} /> : null}
          <ul class="news">
            {items.map((item) => (
              <Item key={item.id} time={time} item={item} />
            ))}
          </ul>
          <Pager path="/news" words={['Newer', 'Older']} page={page} pages={Math.ceil(total / NEWS_PER_PAGE)} />
          <Sources time={time} feeds={feeds} />
        </>
      ),
    });
  });
}

interface FailingFeed extends FeedState {
  readonly failingSince: Date;
}

function isFailing(feed: FeedState): feed is FailingFeed {
  return feed.failingSince !== null;
}

interface FailureProps {
  readonly time: LibraryTime;
  readonly staff: boolean;
  readonly feed: FailingFeed;
}

function Failure({ time, staff, feed: { feed, items, failingSince, failure } }: FailureProps) {
  return (
    <p class="feed-failure">
      <strong>{feed}</strong> cannot be read since <DateAndTime time={time} at={failingSince} />
      {items === 0 ? '.' : '; what it brought before is shown.'}
      {staff && failure !== null ? (
        <>
          <br />
          The feed {failure}.
        </>
      ) : null}
    </p>
  );
}

function Nothing({ page, feeds }: { readonly page: number; readonly feeds: number }) {
  if (page > 1) {
    return (
      <p class="empty">
        There is no more news. <a href="/news">The newest</a>
      </p>
    );
  }
  return <p class="empty">{feeds === 0 ? 'The library collects no news yet.' : 'There is no news yet.'}</p>;
}

function Item({ time, item }: { readonly time: LibraryTime; readonly item: NewsItem }) {
  const { title, link, summary, feed, publishedAt } = item;
  return (
    <li>
      <h2>
        {link === null ? (
          title
        ) : (
          <a href={link} rel="noopener noreferrer nofollow">
            {title}
          </a>
        )}
      </h2>
      <p class="soft">
        {feed} · <DateAndTime time={time} at={publishedAt} />
      </p>
      {summary === '' || summary === title ? null : <p>{summary}</p>}
    </li>
  );
}

function Sources({ time, feeds }: { readonly time: LibraryTime; readonly feeds: readonly FeedState[] }) {
  if (feeds.length === 0) return null;
  return (
    <section aria-labelledby="sources" class="sources">
      <h2 id="sources">Where the news comes from</h2>
      <ul>
        {feeds.map(({ feed, items, newItems, newAt }) => (
          <li key={feed}>
            {feed}: {count(items)}
            {newAt === null ? null : (
              <>
                , {newItems} new on <DateAndTime time={time} at={newAt} />
              </>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function DateAndTime({ time, at }: { readonly time: LibraryTime; readonly at: Date }) {
  return (
    <time dateTime={at.toISOString()}>
      {time.fullDate(at)}, {time.time(at)}
    </time>
  );
}

function count(items: number): string {
  return items === 1 ? 'one item' : `${items.toLocaleString('en-GB')} items`;
}
