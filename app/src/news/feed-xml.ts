import { createHash } from 'node:crypto';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { FeedError } from './feed-error';
import type { FeedDocument } from './feed.client';
import { decodeXml, htmlToText, oneLine } from './plain-text';

export interface ReadItem {
  /** The feed's name of the item, else its link, else a hash of what it says. */
  readonly guid: string;
  readonly title: string;
  /** http or https. */
  readonly link: string | null;
  readonly summary: string;
  /** ISO 8601; null when the feed gives none that can be read. */
  readonly publishedAt: string | null;
}

/** What a feed's document says, as plain text. */
export interface FeedReading {
  readonly title: string;
  readonly items: readonly ReadItem[];
}

/** The newest come first in all feeds that are known. */
const MAX_ITEMS = 200;
const MAX_TITLE = 200;
const MAX_SUMMARY = 400;
const MAX_GUID = 500;
const MAX_LINK = 2000;

/**
 * An element as the parser gives it: its text, or its attributes (`@name`), texts and elements by name. Entities stay as
 * they are written.
 */
type Node = string | { readonly [name: string]: Node | readonly Node[] };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  cdataPropName: '#cdata',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
});

/**
 * Reads RSS (2.0 and its like) or Atom.
 * @throws FeedError when it is neither, not well-formed, or declares what XML could be made to explode with.
 */
export function readFeed({ body, charset, address }: Pick<FeedDocument, 'body' | 'charset' | 'address'>): FeedReading {
  const text = decodeBody(body, charset);
  if (declaresType(text)) {
    throw new FeedError('declares a document type, which no feed needs; it is not read', 'lasting');
  }
  const root = parse(text);
  const rss = child(child(root, 'rss'), 'channel');
  const rdf = child(root, 'rdf:RDF');
  if (rss !== undefined) return reading(rss, children(rss, 'item'), (item) => rssItem(item, address));
  if (rdf !== undefined) return reading(child(rdf, 'channel'), children(rdf, 'item'), (item) => rssItem(item, address));
  const atom = child(root, 'feed');
  if (atom !== undefined) return reading(atom, children(atom, 'entry'), (entry) => atomItem(entry, address));
  throw new FeedError('is neither RSS nor Atom', 'lasting');
}

function decodeBody(body: Buffer, charset: string | null): string {
  const mark = [
    ['utf-8', [0xef, 0xbb, 0xbf]],
    ['utf-16le', [0xff, 0xfe]],
    ['utf-16be', [0xfe, 0xff]],
  ].find(([, bytes]) => body.subarray(0, bytes?.length).equals(Buffer.from(bytes as number[])))?.[0];
  const declared = /^\s*<\?xml[^>]{0,200}?encoding=["']([\w.:-]+)/.exec(body.toString('latin1', 0, 300))?.[1];
  const encoding = String(mark ?? charset ?? declared ?? 'utf-8');
  try {
    return new TextDecoder(encoding).decode(body);
  } catch {
    throw new FeedError(`is written in ${JSON.stringify(encoding)}, which is no known encoding`, 'lasting');
  }
}

/**
 * Whether a document type stands before the first element, behind the XML declaration, comments and instructions. Further
 * behind it would be the text of some HTML, or not well-formed.
 */
function declaresType(text: string): boolean {
  let at = 0;
  for (;;) {
    at = text.indexOf('<', at);
    if (at < 0) return false;
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '?>' : undefined;
    if (end === undefined) return text.startsWith('<!', at);
    at = text.indexOf(end, at + 2);
    if (at < 0) return false;
  }
}

function parse(text: string): Node {
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    const { msg, line } = valid.err;
    throw new FeedError(`is not well-formed XML: line ${line}: ${oneLine(msg, 200)}`, 'lasting');
  }
  try {
    return parser.parse(text) as Node;
  } catch (error) {
    throw new FeedError(`cannot be read: ${oneLine(error instanceof Error ? error.message : '', 200)}`, 'lasting');
  }
}

function reading(channel: Node | undefined, found: readonly Node[], read: (node: Node) => ReadItem): FeedReading {
  return { title: title(textOf(child(channel, 'title'))), items: found.slice(0, MAX_ITEMS).map(read) };
}

function rssItem(item: Node, base: string): ReadItem {
  const guid = textOf(child(item, 'guid')).trim();
  const link = webLink(textOf(child(item, 'link')), base) ?? webLink(guid, undefined);
  return toItem({
    guid: guid === '' ? (link ?? '') : guid,
    link,
    title: htmlToText(textOf(child(item, 'title'))),
    summary: htmlToText(textOf(child(item, 'description'))),
    date: textOf(child(item, 'pubDate') ?? child(item, 'dc:date')),
  });
}

function atomItem(entry: Node, base: string): ReadItem {
  const links = children(entry, 'link').filter((link) => ['', 'alternate'].includes(attribute(link, 'rel')));
  const link = links.map((each) => webLink(attribute(each, 'href'), base)).find((each) => each !== null) ?? null;
  const id = textOf(child(entry, 'id')).trim();
  return toItem({
    guid: id === '' ? (link ?? '') : id,
    link,
    title: atomText(child(entry, 'title')),
    summary: atomText(child(entry, 'summary') ?? child(entry, 'content')),
    date: textOf(child(entry, 'published') ?? child(entry, 'updated')),
  });
}

interface FoundItem extends Pick<ReadItem, 'guid' | 'link' | 'title' | 'summary'> {
  readonly date: string;
}

function toItem({ guid, link, title: heading, summary, date }: FoundItem): ReadItem {
  const published = new Date(date.trim());
  const text = oneLine(summary, MAX_SUMMARY);
  return {
    guid: guid === '' ? digest(`${heading}\n${summary}\n${date}`) : shortened(guid),
    link,
    title: title(heading) || title(text) || 'Untitled',
    summary: text,
    publishedAt: isPast(published) ? published.toISOString() : null,
  };
}

/** Feeds name dates that have not come yet, and such as no database can hold; the time of the finding is as good. */
function isPast(date: Date): boolean {
  return date.getTime() >= 0 && date.getTime() <= Date.now();
}

function title(text: string): string {
  return oneLine(text, MAX_TITLE);
}

/** In Atom a title is plain text unless it says otherwise (RFC 4287, 3.1). */
function atomText(node: Node | undefined): string {
  const type = attribute(node, 'type');
  return type === '' || type === 'text' ? textOf(node) : htmlToText(textOf(node));
}

function webLink(text: string, base: string | undefined): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_LINK || !URL.canParse(trimmed, base)) return null;
  const url = new URL(trimmed, base);
  return ['http:', 'https:'].includes(url.protocol) && url.href.length <= MAX_LINK ? url.href : null;
}

function shortened(guid: string): string {
  const line = oneLine(guid, MAX_GUID);
  return line.endsWith('…') ? digest(guid) : line;
}

function digest(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

function children(node: Node | undefined, name: string): readonly Node[] {
  if (node === undefined || typeof node === 'string' || !Object.hasOwn(node, name)) return [];
  return [node[name] ?? []].flat();
}

function child(node: Node | undefined, name: string): Node | undefined {
  return children(node, name)[0];
}

function attribute(node: Node | undefined, name: string): string {
  const value = child(node, `@${name}`);
  return typeof value === 'string' ? decodeXml(value) : '';
}

/** All text within an element; a CDATA section holds no entities of XML. */
function textOf(node: Node | undefined): string {
  if (node === undefined) return '';
  if (typeof node === 'string') return decodeXml(node);
  return Object.keys(node)
    .filter((name) => !name.startsWith('@'))
    .flatMap((name) =>
      children(node, name).map((each) => (name === '#cdata' && typeof each === 'string' ? each : textOf(each))),
    )
    .join(' ');
}
