import type { Cached, PageCache } from '../cache/page-cache';

export interface ListedPage {
  readonly query: string;
  readonly page: number;
}

/**
 * What `path` answers with for one search and page of the list, out of the cache. Every search and page is cached: an
 * entry that nobody asks for again has gone after the TTL, and where the cache is full, or shares its node with the
 * queue, entries are the first to be evicted. So there is no rule about which are worth it that could be wrong.
 */
export function cachedList(
  cache: PageCache,
  path: string,
  { query, page }: ListedPage,
  compute: () => Promise<string>,
): Promise<Cached> {
  return cache.getOrSet(JSON.stringify([path, page, query]), compute);
}
