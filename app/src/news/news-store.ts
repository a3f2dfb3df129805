import type { Queryable } from '../postgres/queryable';
import type { FeedReading } from './feed-xml';
import type { FeedDocument } from './feed.client';
import {
  ADD_DOCUMENT,
  ADD_FEEDS,
  ADD_READING,
  CONFIGURE_FEEDS,
  CONFIGURED_FEEDS,
  COUNT_NEW,
  COUNT_NEWS,
  DELETE_DOCUMENT,
  FEED_FAILED,
  FEED_READ,
  FORGET_DOCUMENTS,
  FORGET_ITEMS,
  GET_DOCUMENT,
  GET_FEED,
  LIST_FEEDS,
  LIST_NEWS,
  STORE_FEED,
  STORE_ITEMS,
} from './news.sql';

/** Where a feed is, and what its last document came with. */
export interface KnownFeed {
  readonly address: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface NewsItem {
  readonly id: string;
  readonly title: string;
  readonly link: string | null;
  /** Plain text, may be empty. */
  readonly summary: string;
  readonly publishedAt: Date;
  /** The feed's name. */
  readonly feed: string;
}

export interface FeedState {
  readonly feed: string;
  readonly items: number;
  /** How many the last round brought that brought any, and when. */
  readonly newItems: number;
  readonly newAt: Date | null;
  readonly readAt: Date | null;
  readonly failingSince: Date | null;
  /** A predicate: `answered 500`. */
  readonly failure: string | null;
}

export interface NewsPage {
  readonly total: number;
  readonly items: readonly NewsItem[];
  readonly feeds: readonly FeedState[];
}

export const NEWS_PER_PAGE = 20;

/** @returns the ids of the feeds at these addresses; all others are not collected any more. */
export async function configureFeeds(tx: Queryable, addresses: readonly string[]): Promise<readonly string[]> {
  await tx.query(ADD_FEEDS, [addresses]);
  await tx.query(CONFIGURE_FEEDS, [addresses]);
  await tx.query(FORGET_DOCUMENTS);
  return (await tx.query<{ id: string }>(CONFIGURED_FEEDS, [addresses])).rows.map(({ id }) => id);
}

/** @returns undefined when the feed is not configured any more. */
export async function getFeed(tx: Queryable, feedId: string): Promise<KnownFeed | undefined> {
  return (await tx.query<KnownFeed>(GET_FEED, [feedId])).rows[0];
}

export async function feedHasNotChanged(tx: Queryable, feedId: string): Promise<void> {
  await tx.query(FEED_READ, [feedId]);
}

/** @param failure a predicate: `answered 500` */
export async function feedFailed(tx: Queryable, feedId: string, failure: string): Promise<void> {
  await tx.query(FEED_FAILED, [feedId, failure]);
}

export async function addDocument(tx: Queryable, id: string, feedId: string, document: FeedDocument): Promise<void> {
  const { address, charset, etag, lastModified, body } = document;
  await tx.query(ADD_DOCUMENT, [id, feedId, address, charset, etag, lastModified, body]);
}

/** @returns undefined when it is gone, or was read already. */
export async function getDocument(
  tx: Queryable,
  id: string,
): Promise<Pick<FeedDocument, 'address' | 'charset' | 'body'> | undefined> {
  return (await tx.query<Pick<FeedDocument, 'address' | 'charset' | 'body'>>(GET_DOCUMENT, [id])).rows[0];
}

export async function addReading(tx: Queryable, id: string, reading: FeedReading): Promise<void> {
  await tx.query(ADD_READING, [id, JSON.stringify(reading)]);
}

export async function deleteDocument(tx: Queryable, id: string): Promise<void> {
  await tx.query(DELETE_DOCUMENT, [id]);
}

/**
 * Writes the document's items that are not known yet, and what it came with: only now, so that a flow that ends before
 * is followed by one that is given the same items again.
 */
export async function storeDocument(tx: Queryable, id: string): Promise<void> {
  await tx.query(STORE_FEED, [id]);
  await tx.query(STORE_ITEMS, [id]);
  await tx.query(FORGET_ITEMS, [id]);
  await tx.query(DELETE_DOCUMENT, [id]);
}

/** @returns how many items the document brought. */
export async function countNew(tx: Queryable, feedId: string, documentId: string): Promise<number> {
  return (await tx.query<{ newItems: number }>(COUNT_NEW, [feedId, documentId])).rows[0]?.newItems ?? 0;
}

interface FeedName {
  readonly feedTitle: string | null;
  readonly feedAddress: string;
}

/**
 * The newest first.
 * @param page from 1
 */
export async function listNews(database: Queryable, page: number): Promise<NewsPage> {
  const [count, items, feeds] = await Promise.all([
    database.query<{ total: number }>(COUNT_NEWS),
    database.query<Omit<NewsItem, 'feed'> & FeedName>(LIST_NEWS, [NEWS_PER_PAGE, (page - 1) * NEWS_PER_PAGE]),
    database.query<Omit<FeedState, 'feed'> & FeedName>(LIST_FEEDS),
  ]);
  return { total: count.rows[0]?.total ?? 0, items: items.rows.map(named), feeds: feeds.rows.map(named) };
}

/** A feed that was never read goes by its host: the rest of its address may hold a key. */
function named<T extends FeedName>({ feedTitle, feedAddress, ...row }: T) {
  return { ...row, feed: feedTitle ?? new URL(feedAddress).host };
}
