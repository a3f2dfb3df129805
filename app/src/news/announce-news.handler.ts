import { handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { countNew } from './news-store';
import { announceNews } from './news.tasks';

/** Counts the feed's items for the page of news, and logs how many are new. May be repeated: it sets, it does not add. */
export function announceNewsHandler(): TaskHandler {
  return handle(announceNews, async ({ payload: { feedId, documentId }, transaction, log }) => {
    const newItems = await transaction((tx) => countNew(tx, feedId, documentId));
    if (newItems > 0) log.info({ feed: feedId, newItems }, 'news collected');
    return { newItems };
  });
}
