import { Discard, handle } from '../tasks';
import type { TaskContext, TaskHandler } from '../tasks';
import { FeedError } from './feed-error';
import { requestFeed } from './feed.client';
import type { FeedDocument } from './feed.client';
import { addDocument, feedFailed, feedHasNotChanged, getFeed } from './news-store';
import { fetchFeed } from './news.tasks';

export interface FetchFeedOptions {
  /** For the feed's whole answer. @default FEED_SECONDS */
  readonly limitSeconds?: number | undefined;
}

/**
 * Keeps the document for the next task. Where there is none, because nothing has changed or the feed is down, the task is
 * discarded and the rest of its flow is cancelled with it: somebody else's server is no reason to alarm anybody here.
 */
export function fetchFeedHandler({ limitSeconds }: FetchFeedOptions = {}): TaskHandler {
  return handle(fetchFeed, async (context) => {
    const { feedId, documentId } = context.payload;
    const feed = await context.transaction((tx) => getFeed(tx, feedId));
    if (feed === undefined) throw new Discard('The feed is not configured any more.');
    const document = await orFail(context, requestFeed({ ...feed, signal: context.signal, limitSeconds }));
    if (document === undefined) {
      await context.transaction((tx) => feedHasNotChanged(tx, feedId));
      throw new Discard('The feed has not changed.');
    }
    context.effects((tx) => addDocument(tx, documentId, feedId, document));
    return { bytes: document.body.byteLength };
  });
}

async function orFail(
  { payload, transaction, attempt, maxAttempts, log }: TaskContext<typeof fetchFeed>,
  answer: Promise<FeedDocument | undefined>,
): Promise<FeedDocument | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof FeedError) || (error.duration === 'passing' && attempt < maxAttempts)) throw error;
    await transaction((tx) => feedFailed(tx, payload.feedId, error.message));
    log.warn({ feed: payload.feedId, failure: error.message }, 'feed not fetched');
    throw new Discard(`The feed ${error.message}.`);
  }
}
