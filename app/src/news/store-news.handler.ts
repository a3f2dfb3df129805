import { handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { storeDocument } from './news-store';
import { storeNews } from './news.tasks';

/** Writes the items that are new, in the transaction that completes the task: all of them once, or none. */
export function storeNewsHandler(): TaskHandler {
  return handle(storeNews, ({ payload, effects }) => {
    effects((tx) => storeDocument(tx, payload.documentId));
    return Promise.resolve();
  });
}
