import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { resetSocket } from '../../../app/test/servers/reset-socket';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** When the last bytes in each direction are due. */
  dueMs: { up: number; down: number };
  /** What is delayed, in its order: bytes never overtake each other, however late a timer is. */
  readonly underWay: { readonly up: Buffer[]; readonly down: Buffer[] };
  /** Nothing passes any more, and neither end hears that. */
  silent: boolean;
}

/** A message whose answer is to be lost, or which is to be kept back. */
interface Wanted {
  readonly text: string;
  readonly then: 'lose-answer' | 'keep-back';
  /** Only on a connection on which this has passed before. */
  readonly behind: string | undefined;
  readonly found: () => void;
}

/** The network between one process and one server: every way in which it may fail, on 127.0.0.1. */
export class Link {
  private readonly connections = new Set<Connection>();
  private target: number;
  private dropping = false;
  private delay = { ms: 0, jitterMs: 0 };
  private wanted: Wanted | undefined;
  private readonly counted = new Map<string, number>();

  static async to(port: number): Promise<Link> {
    const listener = createServer();
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    return new Link(listener, port);
  }

  private constructor(
    private readonly listener: Server,
    target: number,
  ) {
    this.target = target;
    listener.on('connection', (client) => this.accept(client));
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** How many connections exist on which something passes. */
  get open(): number {
    return [...this.connections].filter(({ silent }) => !silent).length;
  }

  /** New connections lead to this port. Those that exist stay where they are, as to an old primary that lives on. */
  lead(port: number): void {
    this.target = port;
  }

  /** Breaks the connections that exist, with a reset. */
  cut(): void {
    for (const { client, server } of this.connections) {
      resetSocket(client);
      server.destroy();
    }
  }

  /** Breaks a share (0 to 1) of the connections, chosen by `random`, as a network that resets now and then. */
  cutSome(share: number, random: () => number): void {
    for (const { client } of [...this.connections]) if (random() < share) resetSocket(client);
  }

  /** On the connections that exist nothing passes any more, and nobody is told; new ones are well. */
  silence(): void {
    for (const connection of this.connections) connection.silent = true;
  }

  /** From now on nothing passes, on new connections either, and nobody is told. */
  drop(): void {
    this.dropping = true;
  }

  /** Everything takes so much longer, each way; a random part of `jitterMs` comes on top. */
  slow(ms: number, jitterMs: number): void {
    this.delay = { ms, jitterMs };
  }

  /**
   * Lets the next message that contains `text` pass, and breaks its connection before the answer.
   * Resolves when that has happened.
   * @param behind only on a connection on which this has passed from now on
   */
  loseAnswerTo(text: string, behind?: string): Promise<void> {
    return new Promise((found) => (this.wanted = { text, then: 'lose-answer', behind, found }));
  }

  /**
   * Lets neither the next message that contains `text` pass nor what its client sends after it; the connection stays.
   * Resolves when it is there.
   * @param behind as of `loseAnswerTo`
   */
  keepBack(text: string, behind?: string): Promise<void> {
    return new Promise((found) => (this.wanted = { text, then: 'keep-back', behind, found }));
  }

  /** Counts the messages that contain `text`, from now on. @returns how many have come so far */
  count(text: string): () => number {
    const before = this.counted.get(text) ?? 0;
    this.counted.set(text, before);
    return () => (this.counted.get(text) ?? 0) - before;
  }

  /** Makes the network whole. What was dropped stays lost, so its connections break now. */
  heal(): void {
    const broken = this.dropping;
    [this.dropping, this.wanted] = [false, undefined];
    this.delay = { ms: 0, jitterMs: 0 };
    if (broken) this.cut();
  }

  async close(): Promise<void> {
    const closed = once(this.listener, 'close');
    this.listener.close();
    this.cut();
    await closed;
  }

  private accept(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const connection = { client, server, dueMs: { up: 0, down: 0 }, underWay: { up: [], down: [] }, silent: false };
    this.connections.add(connection);
    const end = (): void => {
      this.connections.delete(connection);
      client.destroy();
      server.destroy();
    };
    // The end of a silent server does not reach its client either.
    const serverEnd = (): void => {
      if (!connection.silent) end();
    };
    client.setNoDelay(true).on('error', end).on('close', end);
    server.setNoDelay(true).on('error', serverEnd).on('close', serverEnd);
    let mute = false;
    let kept = false;
    /** The one whose `behind` has passed here. */
    let due: Wanted | undefined;
    client.on('data', (data) => {
      const { wanted, counted } = this;
      for (const [text, times] of counted) if (data.includes(text)) counted.set(text, times + 1);
      if (wanted !== undefined && (wanted.behind === undefined || data.includes(wanted.behind))) due = wanted;
      if (wanted !== undefined && wanted === due && data.includes(wanted.text)) {
        this.wanted = undefined;
        if (wanted.then === 'keep-back') {
          kept = true;
          wanted.found();
        } else {
          mute = true;
          server.once('data', () => {
            resetSocket(client);
            wanted.found();
          });
        }
      }
      if (!kept) this.pass(connection, 'up', data);
    });
    server.on('data', (data) => {
      if (!mute) this.pass(connection, 'down', data);
    });
  }

  private pass(connection: Connection, way: 'up' | 'down', data: Buffer): void {
    if (this.dropping || connection.silent) return;
    const to = way === 'up' ? connection.server : connection.client;
    const now = performance.now();
    const due = Math.max(connection.dueMs[way], now + this.delay.ms + Math.random() * this.delay.jitterMs);
    const underWay: Buffer[] = connection.underWay[way];
    if (this.delay.ms === 0 && underWay.length === 0) {
      to.write(data);
      return;
    }
    connection.dueMs[way] = due;
    underWay.push(data);
    setTimeout(() => {
      const oldest = underWay.shift();
      if (oldest !== undefined && !to.destroyed) to.write(oldest);
    }, due - now);
  }
}
