import { readFeed } from '../../src/news/feed-xml';
import { htmlToText, oneLine } from '../../src/news/plain-text';
import { rss } from './feed-server';

const read = (text: string | Buffer, charset: string | null = null) =>
  readFeed({ body: Buffer.from(text), charset, address: 'https://feeds.test/all' });

describe('reading a feed', () => {
  test.each([
    ['an entity of XML', 'Caf&#233; &amp; Bar', 'Café & Bar'],
    ['HTML that is escaped', '&lt;i&gt;Caf&amp;eacute;&lt;/i&gt; &amp;amp; Bar', 'Café & Bar'],
    ['elements within a line', '&lt;p&gt;A &lt;em&gt;word&lt;/em&gt;.&lt;/p&gt;&lt;p&gt;B', 'A word. B'],
    ['CDATA', '<![CDATA[<i>Caf&eacute;</i> &amp; Bar]]>', 'Café & Bar'],
    ['a declared entity that is not declared', '&e1; text', '&e1; text'],
    ['half of a pair, a zero, a number of no character', 'a&#xD800;b&#0;c&#x200000;d', 'a b c d'],
    ['many lines', '  a\n\t b  ', 'a b'],
    ['nothing', '', 'Untitled'],
  ])('%s', (_, title, text) => {
    expect(read(rss('Town', [{ id: 'a', title }])).items[0]!.title).toBe(text);
  });

  test('in the encoding that the header, or else the document, names', () => {
    const document = rss('Caf\u00e9', []).replace('?>', ' encoding="ISO-8859-1"?>');
    expect(read(Buffer.from(document, 'latin1')).title).toBe('Café');
    expect(read(Buffer.from(rss('Café', [])), 'utf-8').title).toBe('Café');
    expect(read(Buffer.from(`\ufeff${rss('Café', [])}`, 'utf16le')).title).toBe('Café');
    expect(() => read(document, 'klingon')).toThrow('is written in "klingon", which is no known encoding');
  });

  test('an item without a guid goes by its link, one without both by what it says', () => {
    const items = '<item><link>https://a.test/1</link></item><item><title>Only a title</title></item>';
    const [linked, titled] = read(`<rss><channel>${items}</channel></rss>`).items;
    expect(linked).toMatchObject({ guid: 'https://a.test/1', link: 'https://a.test/1', title: 'Untitled' });
    expect(titled).toMatchObject({ guid: expect.stringMatching(/^sha256:/) as unknown, link: null, publishedAt: null });
  });

  test('RSS 1.0', () => {
    const items = '<item><title>A</title><link>https://a.test/1</link><dc:date>2026-11-20T10:00:00Z</dc:date></item>';
    const document = `<rdf:RDF xmlns:rdf="r" xmlns:dc="d"><channel><title>Old</title></channel>${items}</rdf:RDF>`;
    expect(read(document)).toMatchObject({ title: 'Old', items: [{ publishedAt: '2026-11-20T10:00:00.000Z' }] });
  });

  test('a page within a text is no declaration, and names of objects are no trouble', () => {
    const text = '<![CDATA[<!DOCTYPE html><p>Hello</p>]]>';
    expect(read(rss('Town', [{ id: 'a', title: 'A', text }])).items[0]!.summary).toBe('Hello');
    const names = '<toString>x</toString>';
    const document = `<rss>${names}<channel>${names}<title>&toString;</title></channel></rss>`;
    expect(read(document).title).toBe('&toString;');
    expect(() => read('<rss><constructor/></rss>')).toThrow(/^cannot be read: /);
  });

  test.each(['<'.repeat(1_000_000), '<script'.repeat(200_000), '<!--'.repeat(200_000), '&'.repeat(1_000_000)])(
    'text of a megabyte that is left open is read in one pass',
    (html) => {
      expect(oneLine(htmlToText(`x${html}`), 10)).toMatch(/^x/);
    },
  );

  test('a line is cut between characters', () => {
    expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…');
  });
});
