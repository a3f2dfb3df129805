import { z } from 'zod';
import { defineSchedule, defineTask } from '../tasks';
import type { ScheduleDefinition } from '../tasks';

/** A queue of its own: feeds that are slow to answer keep nothing else waiting. */
const queue = 'collect';

/** What the tasks of one flow share: the feed, and the document that they hand on. */
const step = z.strictObject({ feedId: z.string(), documentId: z.uuid() });

/** Accepts a flow for each feed that has none under way. */
export const collectNews = defineTask({
  name: 'news.collect',
  queue,
  payload: z.strictObject({ feeds: z.array(z.string()) }),
});

/** Asks the feed for what is new since the last time. Repeated once by itself; the next tick is as good as a third try. */
export const fetchFeed = defineTask({
  name: 'news.fetch',
  queue,
  attempts: 2,
  backoff: { firstSeconds: 2 },
  timeLimitSeconds: 60,
  result: z.object({ bytes: z.int() }),
  payload: step,
});

/** Reads the document: work for the processor, which need not ask the feed again when it is repeated. */
export const parseFeed = defineTask({
  name: 'news.parse',
  queue,
  attempts: 3,
  result: z.object({ items: z.int() }),
  payload: step,
});

/** Writes what is new, in one transaction. */
export const storeNews = defineTask({ name: 'news.store', queue, payload: step });

/** Counts what is new and tells of it; to write to somebody about it belongs here. */
export const announceNews = defineTask({
  name: 'news.announce',
  queue,
  priority: 'low',
  result: z.object({ newItems: z.int() }),
  payload: step,
});

export interface NewsSchedule {
  readonly newsFeeds: readonly string[];
  /** Between two rounds; 0 switches them off. */
  readonly newsSeconds: number;
}

/**
 * The rounds through all feeds; none without feeds. The interval is part of the schedule's name, because the ledger keeps
 * the timing of a name until its version is raised, which nobody does who sets a variable.
 */
export function newsSchedules({ newsFeeds, newsSeconds }: NewsSchedule): readonly ScheduleDefinition[] {
  if (newsSeconds === 0 || newsFeeds.length === 0) return [];
  return [
    defineSchedule({
      name: `news.every-${newsSeconds}s`,
      task: collectNews,
      payload: { feeds: [...newsFeeds] },
      catchUp: 'latest',
      every: newsSeconds,
    }),
  ];
}
