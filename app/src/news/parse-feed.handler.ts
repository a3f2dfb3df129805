import { Discard, handle } from '../tasks';
import type { TaskContext, TaskHandler } from '../tasks';
import { FeedError } from './feed-error';
import { readFeed } from './feed-xml';
import type { FeedReading } from './feed-xml';
import type { FeedDocument } from './feed.client';
import { addReading, deleteDocument, feedFailed, getDocument } from './news-store';
import { parseFeed } from './news.tasks';

/** Puts what the document says in the place of the document; one that cannot be read ends the flow, and the page says so. */
export function parseFeedHandler(): TaskHandler {
  return handle(parseFeed, async (context) => {
    const { documentId } = context.payload;
    const document = await context.transaction((tx) => getDocument(tx, documentId));
    if (document === undefined) throw new Discard('The document is too old by now; the next round brings another.');
    const reading = await orFail(context, document);
    context.effects((tx) => addReading(tx, documentId, reading));
    return { items: reading.items.length };
  });
}

async function orFail(
  { payload, transaction, log }: TaskContext<typeof parseFeed>,
  document: Pick<FeedDocument, 'address' | 'charset' | 'body'>,
): Promise<FeedReading> {
  try {
    return readFeed(document);
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    await transaction(async (tx) => {
      await feedFailed(tx, payload.feedId, error.message);
      await deleteDocument(tx, payload.documentId);
    });
    log.warn({ feed: payload.feedId, failure: error.message }, 'feed not read');
    throw new Discard(`The feed ${error.message}.`);
  }
}
