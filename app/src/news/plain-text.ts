/** Names of HTML that feeds use, besides those of XML. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  ...{ nbsp: ' ', hellip: '…', mdash: '—', ndash: '–', lsquo: '‘', rsquo: '’', ldquo: '“', rdquo: '”' },
  ...{ bdquo: '„', sbquo: '‚', laquo: '«', raquo: '»', bull: '•', middot: '·', euro: '€', pound: '£', copy: '©' },
  ...{ agrave: 'à', aacute: 'á', acirc: 'â', aring: 'å', auml: 'ä', ccedil: 'ç', egrave: 'è', eacute: 'é', ecirc: 'ê' },
  ...{ euml: 'ë', iacute: 'í', icirc: 'î', iuml: 'ï', ntilde: 'ñ', oacute: 'ó', ocirc: 'ô', oslash: 'ø', ouml: 'ö' },
  ...{ szlig: 'ß', ugrave: 'ù', uacute: 'ú', ucirc: 'û', uuml: 'ü', Auml: 'Ä', Eacute: 'É', Ouml: 'Ö', Uuml: 'Ü' },
};

/** Elements within a line, around which there is no blank. */
const INLINE = /^<\/?(?:a|abbr|b|cite|code|em|i|mark|small|span|strong|sub|sup|u)\b/;

const XML_NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Resolves the five names of XML and numbers; nothing that a document declares. */
export function decodeXml(text: string): string {
  return decode(text, XML_NAMES);
}

/** The text of a piece of HTML, without tags, scripts and styles. */
export function htmlToText(html: string): string {
  return decode(withoutTags(html), { ...HTML_NAMES, ...XML_NAMES });
}

/**
 * One line that PostgreSQL can store.
 * @param max characters; a longer one ends with …
 */
export function oneLine(text: string, max: number): string {
  // The first cut keeps the rest cheap; the second is by whole characters.
  const line = text
    .slice(0, max * 8)
    .replace(/[\s\p{Cc}\p{Cs}]+/gu, ' ')
    .trim();
  const characters = Array.from(line);
  return characters.length <= max ? line : `${characters.slice(0, max - 1).join('')}…`;
}

function decode(text: string, names: Readonly<Record<string, string>>): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hexadecimal, name) => {
    if (typeof name === 'string') return Object.hasOwn(names, name) ? (names[name] ?? whole) : whole;
    const code = typeof decimal === 'string' ? Number(decimal) : parseInt(String(hexadecimal), 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
  });
}

/** In one pass, whatever is left open: a pattern that looks for an end again and again takes a minute for 5 MiB of `<`. */
function withoutTags(html: string): string {
  const parts: string[] = [];
  const lower = html.toLowerCase();
  let at = 0;
  for (;;) {
    const open = html.indexOf('<', at);
    const close = open < 0 ? -1 : html.indexOf('>', open);
    if (close < 0) return [...parts, html.slice(at)].join('');
    parts.push(html.slice(at, open));
    if (!/[a-z/!?]/.test(lower.charAt(open + 1))) {
      parts.push('<');
      at = open + 1;
      continue;
    }
    if (!INLINE.test(lower.slice(open, open + 10))) parts.push(' ');
    at = close + 1;
    const raw = /^<(script|style)\b/.exec(lower.slice(open, open + 8))?.[1];
    if (raw === undefined) continue;
    const end = lower.indexOf(`</${raw}`, at);
    at = end < 0 ? html.length : end;
  }
}
