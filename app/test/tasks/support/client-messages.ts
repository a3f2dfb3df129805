/** What a client sent as one: a statement with everything up to its Sync, a command of Redis. */
export interface ClientMessage {
  readonly bytes: number;
  /** The beginning of a statement, the name of a command; undefined where nothing is asked for, as at log-in. */
  readonly text: string | undefined;
}

/** The first message at the beginning of what one connection has sent; undefined while it is not complete. */
export type Framing = (sent: Buffer) => ClientMessage | undefined;

const SHOWN_CHARACTERS = 90;

/** PostgreSQL's protocol, version 3, without TLS (https://www.postgresql.org/docs/current/protocol-message-formats.html). */
export function postgresFraming(): Framing {
  let loggedIn = false;
  const prepared = new Map<string, string>();
  return (sent) => {
    if (!loggedIn) {
      if (sent.length < 4 || sent.length < sent.readInt32BE(0)) return undefined;
      loggedIn = true;
      return { bytes: sent.readInt32BE(0), text: undefined };
    }
    let statement = '';
    for (let at = 0; sent.length >= at + 5;) {
      const end = at + 1 + sent.readInt32BE(at + 1);
      if (sent.length < end) return undefined;
      const type = sent.toString('latin1', at, at + 1);
      const [first = '', second = ''] = sent.toString('utf8', at + 5, end).split('\0');
      if (type === 'P') prepared.set(first, second);
      if (type === 'B') statement = prepared.get(second) ?? '';
      if (type === 'Q') statement = first;
      if (type === 'Q' || type === 'S') return { bytes: end, text: shown(statement) };
      // A password, and the farewell.
      if (type === 'p' || type === 'X') return { bytes: end, text: undefined };
      at = end;
    }
    return undefined;
  };
}

/** Redis' protocol as its clients speak it: arrays of strings (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
export function redisFraming(): Framing {
  return (sent) => {
    let at = 0;
    const line = (): string | undefined => {
      const end = sent.indexOf('\r\n', at);
      if (end === -1) return undefined;
      const found = sent.toString('latin1', at, end);
      at = end + 2;
      return found;
    };
    const words: string[] = [];
    for (let left = Number(line()?.slice(1)); words.length < left;) {
      const length = Number(line()?.slice(1));
      if (!(sent.length >= at + length + 2)) return undefined;
      words.push(sent.toString('utf8', at, at + length));
      at += length + 2;
    }
    return words.length === 0 ? undefined : { bytes: at, text: words[0] };
  };
}

function shown(text: string): string {
  return text
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS);
}
