import { z } from 'zod';
import { CACHE_HEADER } from '../cache/page-cache';
import type { PageCache } from '../cache/page-cache';
import type { Channel } from '../configuration/channels';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import { Pager } from '../pages/pager';
import { HTML, isForEverybody, renderPage } from '../pages/page';
import type { PageContent, SendPage } from '../pages/page';
import { PosterImage } from '../posters/poster-image';
import type { StaffSessions } from '../staff/sessions';
import { EMPTY_FORM } from '../pages/forms';
import type { Contacts } from '../contacts/contacts';
import { SignUp } from '../reminders/sign-up';
import { queryNumber, storableText, uuid } from '../validation/values';
import { cachedList } from './cached-list';
import type { Screening } from './screening';
import { SCREENINGS_PER_PAGE } from './screening-store';
import type { ScreeningPage } from './screening-store';
import { MAX_PAGE } from './screenings.routes';
import type { Screenings } from './screenings';

export interface ScreeningPagesDependencies {
  readonly library: Library;
  readonly send: SendPage;
  readonly sessions: StaffSessions;
  readonly cache: PageCache;
  readonly screenings: Screenings;
  readonly contacts: Pick<Contacts, 'channels'>;
}

export const listQuery = z.object({
  query: storableText({ min: 0, max: 200 }).default(''),
  page: queryNumber({ min: 1, max: MAX_PAGE, otherwise: 1 }),
});

/** What readers see: the list with its search, and each screening. */
export function registerScreeningPages(app: App, dependencies: ScreeningPagesDependencies): void {
  const { contacts, library, send, sessions, cache, screenings } = dependencies;
  const time = new LibraryTime(library.timeZone);
  app.get('/', { schema: { hide: true, querystring: listQuery } }, async (request, reply) => {
    const { query, page } = request.query;
    const content = async (): Promise<PageContent> => {
      const found = await inTime(screenings.list(query, page));
      return { title: 'Screenings', body: <List {...{ time, query, page, found }} /> };
    };
    if (!isForEverybody(request, sessions)) {
      return send(request, reply.header(CACHE_HEADER, 'bypass'), await content());
    }
    const { text, status } = await cachedList(cache, '/', request.query, async () => {
      const { title, body } = await content();
      return renderPage({ library, title, path: '/', staff: false, children: body });
    });
    return reply.header(CACHE_HEADER, status).type(HTML).send(text);
  });
  app.get('/screenings/:id', { schema: { hide: true, params: z.object({ id: uuid() }) } }, async (request, reply) => {
    const screening = await inTime(screenings.get(request.params.id));
    return send(request, reply, {
      title: screening.title,
      body: <Details time={time} screening={screening} channels={contacts.channels} />,
    });
  });
}

interface ListProps {
  readonly time: LibraryTime;
  readonly query: string;
  readonly page: number;
  readonly found: ScreeningPage;
}

function List({ time, query, page, found }: ListProps) {
  return (
    <>
      <div class="title-row">
        <h1>Screenings</h1>
        <Search query={query} />
      </div>
      {found.items.length === 0 ? <Nothing query={query} /> : null}
      <ul class="screenings">
        {found.items.map((screening) => (
          <li key={screening.id} class="card">
            <PosterImage screening={screening} sizes="5.5rem" />
            <div>
              <h2>
                <a href={`/screenings/${screening.id}`}>{screening.title}</a>
              </h2>
              <When time={time} screening={screening} />
            </div>
          </li>
        ))}
      </ul>
      <Pager path="/" query={query} page={page} pages={Math.ceil(found.total / SCREENINGS_PER_PAGE)} />
    </>
  );
}

function Search({ query }: { readonly query: string }) {
  return (
    <form role="search" class="search" action="/">
      <label for="query" class="hidden">
        Search the screenings
      </label>
      <input id="query" name="query" type="search" value={query} placeholder="Title or text" maxLength={200} />
      <button>Search</button>
    </form>
  );
}

function Nothing({ query }: { readonly query: string }) {
  if (query === '') return <p class="empty">Nothing is planned at the moment.</p>;
  return (
    <p class="empty">
      Nothing that is planned contains “{query}”. <a href="/">All screenings</a>
    </p>
  );
}

function When({ time, screening }: { readonly time: LibraryTime; readonly screening: Screening }) {
  return (
    <p class="when">
      <time dateTime={screening.startsAt.toISOString()}>
        {time.date(screening.startsAt)}, {time.time(screening.startsAt)}
      </time>
      <br />
      {screening.room}
    </p>
  );
}

interface DetailsProps {
  readonly time: LibraryTime;
  readonly screening: Screening;
  readonly channels: readonly Channel[];
}

function Details({ time, screening, channels }: DetailsProps) {
  return (
    <article class="details">
      <PosterImage screening={screening} sizes="(max-width: 40rem) 12rem, 18rem" />
      <div>
        <h1>{screening.title}</h1>
        <When time={time} screening={screening} />
        {screening.description.split(/\r?\n\r?\n/).map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        {screening.startsAt.getTime() > Date.now() ? (
          <SignUp screeningId={screening.id} channels={channels} form={EMPTY_FORM} />
        ) : null}
      </div>
    </article>
  );
}
