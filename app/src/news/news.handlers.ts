import type { TaskHandler, Tasks } from '../tasks';
import { announceNewsHandler } from './announce-news.handler';
import { collectNewsHandler } from './collect-news.handler';
import { fetchFeedHandler } from './fetch-feed.handler';
import type { FetchFeedOptions } from './fetch-feed.handler';
import { parseFeedHandler } from './parse-feed.handler';
import { storeNewsHandler } from './store-news.handler';

export interface NewsHandlerOptions extends FetchFeedOptions {
  readonly tasks: Pick<Tasks, 'accept'>;
}

/** Everything that collecting news takes. */
export function newsHandlers({ tasks, ...options }: NewsHandlerOptions): readonly TaskHandler[] {
  return [
    collectNewsHandler(tasks),
    fetchFeedHandler(options),
    parseFeedHandler(),
    storeNewsHandler(),
    announceNewsHandler(),
  ];
}
