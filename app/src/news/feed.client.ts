import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FeedError } from './feed-error';
import type { KnownFeed } from './news-store';
import { checkHost, outwardLookup } from './outward-lookup';
import type { Reach } from './outward-lookup';

/** Of a document, unpacked, in bytes: a feed's whole history is seldom a tenth of it. */
export const MAX_DOCUMENT_BYTES = 5 * 1024 * 1024;
/** From the first request to the document's last byte, redirects included. */
export const FEED_SECONDS = 15;
export const MAX_REDIRECTS = 5;

export interface FeedDocument {
  /** Where it was found in the end. */
  readonly address: string;
  /** As the answer's headers name it; null when they do not. */
  readonly charset: string | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly body: Buffer;
}

export interface FeedRequest extends KnownFeed {
  readonly signal: AbortSignal;
  /** @default FEED_SECONDS */
  readonly limitSeconds?: number | undefined;
}

/**
 * Asks for the feed's document.
 * @returns undefined when it is the one that is known.
 * @throws FeedError, or the signal's reason.
 */
export async function requestFeed(request: FeedRequest): Promise<FeedDocument | undefined> {
  const { signal, limitSeconds = FEED_SECONDS } = request;
  const limit = AbortSignal.timeout(limitSeconds * 1000);
  try {
    return await follow(request, AbortSignal.any([signal, limit]));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FeedError) throw error;
    if (limit.aborted) throw new FeedError(`did not answer in full within ${limitSeconds} s`, 'passing');
    throw new FeedError(`could not be reached (${codeOf(error)})`, 'passing');
  }
}

async function follow(feed: FeedRequest, signal: AbortSignal): Promise<FeedDocument | undefined> {
  const named = new URL(feed.address).host;
  let url = new URL(feed.address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await get(url, headersFor(feed), { trusted: url.host === named }, signal);
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return read(response, url);
    response.destroy();
    if (statusCode === 304) return undefined;
    if (![301, 302, 303, 307, 308].includes(statusCode)) {
      throw new FeedError(`answered ${statusCode}`, statusCode === 429 || statusCode >= 500 ? 'passing' : 'lasting');
    }
    url = redirected(headers.location, url);
  }
  throw new FeedError(`redirects more than ${MAX_REDIRECTS} times`, 'lasting');
}

function headersFor({ etag, lastModified }: KnownFeed): Record<string, string> {
  return {
    'user-agent': 'holdfast-news',
    accept: 'application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.8',
    'accept-encoding': 'gzip',
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  };
}

function get(url: URL, headers: Record<string, string>, reach: Reach, signal: AbortSignal): Promise<IncomingMessage> {
  checkHost(url, reach);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, { headers, signal, agent: false, lookup: outwardLookup(reach) }, resolve)
      .once('error', reject)
      .end();
  });
}

function redirected(location: string | undefined, from: URL): URL {
  if (location === undefined || !URL.canParse(location, from)) throw new FeedError('redirects to nowhere', 'lasting');
  const url = new URL(location, from);
  if (!['http:', 'https:'].includes(url.protocol)) throw new FeedError('redirects to no web address', 'lasting');
  return url;
}

async function read(response: IncomingMessage, url: URL): Promise<FeedDocument> {
  const { headers } = response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of unpacked(response) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_DOCUMENT_BYTES) {
      throw new FeedError(`is larger than ${MAX_DOCUMENT_BYTES / 1024 / 1024} MiB, the most that is read`, 'lasting');
    }
    chunks.push(chunk);
  }
  if (!response.complete) throw new FeedError('stopped in the middle of its answer', 'passing');
  return {
    address: url.href,
    charset: /charset="?([\w.:-]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? null,
    etag: headers.etag ?? null,
    lastModified: headers['last-modified'] ?? null,
    body: Buffer.concat(chunks),
  };
}

function unpacked(response: IncomingMessage): Readable {
  const encoding = response.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return response;
  if (encoding !== 'gzip') {
    response.destroy();
    throw new FeedError('is packed in another way than gzip', 'lasting');
  }
  // What goes wrong is told to whoever reads the last stream.
  return pipeline(response, createGunzip(), () => undefined);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
