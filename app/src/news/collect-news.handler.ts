import { randomUUID } from 'node:crypto';
import { handle } from '../tasks';
import type { TaskHandler, Tasks, Transaction } from '../tasks';
import { configureFeeds } from './news-store';
import { announceNews, collectNews, fetchFeed, parseFeed, storeNews } from './news.tasks';

/**
 * Accepts for each feed the flow fetch, parse, store, announce, of which each waits for the one before. A feed whose
 * last flow is still being fetched gets no other: slow ones do not pile up.
 */
export function collectNewsHandler(tasks: Pick<Tasks, 'accept'>): TaskHandler {
  return handle(collectNews, ({ payload, effects }) => {
    effects(async (tx) => {
      for (const feedId of await configureFeeds(tx, payload.feeds)) await acceptFlow(tasks, tx, feedId);
    });
    return Promise.resolve();
  });
}

async function acceptFlow(tasks: Pick<Tasks, 'accept'>, tx: Transaction, feedId: string): Promise<void> {
  const step = { feedId, documentId: randomUUID() };
  const uniqueKey = { key: `feed-${feedId}`, until: 'finish' } as const;
  const fetching = await tasks.accept(tx, fetchFeed, step, { uniqueKey });
  if (fetching.duplicate) return;
  const parsing = await tasks.accept(tx, parseFeed, step, { after: [fetching.id] });
  const storing = await tasks.accept(tx, storeNews, step, { after: [parsing.id] });
  await tasks.accept(tx, announceNews, step, { after: [storing.id] });
}
