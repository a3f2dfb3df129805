import type { z } from 'zod';
import { refuse } from './refuse';

/** Each of them is asked in every round, and all go into one task. */
const MOST_FEEDS = 50;
const MAX_ADDRESS = 2000;

/** Reads addresses of feeds, parted by commas; a comma within one is written %2C. Each counts once. */
export function toFeeds(value: string, context: z.RefinementCtx): string[] {
  const parts = value.split(',').map((part) => part.trim());
  const given = parts.filter((part) => part !== '');
  if (given.length > MOST_FEEDS) {
    return refuse(context, `names ${given.length} feeds; allowed are ${MOST_FEEDS}`);
  }
  return [...new Set(given.map((part) => toFeed(part, context)))];
}

function toFeed(text: string, context: z.RefinementCtx): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || text.length > MAX_ADDRESS) {
    return refuse(context, `holds ${JSON.stringify(text)}; a feed is written https://host/path`);
  }
  // The value is not repeated: it holds a password.
  if (url.username !== '' || url.password !== '') {
    return refuse(context, `holds user and password for ${url.host}; feeds that need them cannot be collected`);
  }
  url.hash = '';
  return url.href;
}
