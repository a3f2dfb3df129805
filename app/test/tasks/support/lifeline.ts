import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { resetSocket } from '../../servers/reset-socket';
import { postgresFraming, redisFraming } from './client-messages';
import type { Framing } from './client-messages';

/** `before it arrives`: the message is lost. `answer lost`: the server carries it out, and nobody hears of it. */
export type Death = 'before it arrives' | 'answer lost';

/** The only way of one engine to PostgreSQL and Redis, which is cut for good at a message of the test's choice. */
export interface Lifeline {
  /** As the servers' own, through here. */
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** The messages since `count`, oldest first: statements and commands on any connection. */
  readonly sent: readonly string[];
  /**
   * Counts messages from here on and asks of each how it ends everything, if it does: every connection is cut, and none
   * is ever made again.
   */
  count(deathAt?: (message: string, n: number) => Death | undefined): void;
  /** Resolves when everything is cut, and what was still to be carried out was read by its server. */
  readonly dead: Promise<void>;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

export async function lifeline(postgresUrl: string, redisUrl: string): Promise<Lifeline> {
  const links = new Set<Link>();
  const listeners: Server[] = [];
  const sent: string[] = [];
  let deathAt: ((message: string, n: number) => Death | undefined) | undefined;
  let died = (): void => undefined;
  const dead = new Promise<void>((resolve) => (died = resolve));
  let alive = true;

  /** @param last the connection whose server still has to read what it was sent */
  const die = (last?: Link): void => {
    alive = false;
    for (const listener of listeners) listener.close();
    for (const link of links) {
      resetSocket(link.client);
      // Closed in an orderly way: what a server has not read when a connection is reset, it may never carry out.
      if (link === last) link.server.end();
      else resetSocket(link.server);
    }
    if (last === undefined) died();
    else last.server.once('close', died);
  };

  /** @returns whether the message goes on to its server. */
  const passes = (text: string | undefined, link: Link, bytes: Buffer): boolean => {
    if (text === undefined || deathAt === undefined) return true;
    sent.push(text);
    const death = deathAt(text, sent.length);
    if (death === undefined) return true;
    if (death === 'answer lost') link.server.write(bytes);
    die(death === 'answer lost' ? link : undefined);
    return false;
  };

  const through = async (target: URL, framing: () => Framing): Promise<string> => {
    const listener = createServer((client) => {
      if (!alive) {
        client.destroy();
        return;
      }
      const server = connect(Number(target.port), target.hostname);
      const link = { client, server };
      links.add(link);
      for (const socket of [client, server]) socket.on('error', () => undefined);
      client.on('close', () => alive && server.destroy());
      server.on('close', () => client.destroy());
      server.on('data', (data) => alive && client.write(data));
      const next = framing();
      let waiting = Buffer.alloc(0);
      client.on('data', (data) => {
        waiting = Buffer.concat([waiting, data]);
        for (let message = next(waiting); alive && message !== undefined; message = next(waiting)) {
          const bytes = waiting.subarray(0, message.bytes);
          waiting = waiting.subarray(message.bytes);
          if (passes(message.text, link, bytes)) server.write(bytes);
        }
      });
    });
    listeners.push(listener);
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((listener.address() as AddressInfo).port);
    return url.href;
  };

  return {
    postgresUrl: await through(new URL(postgresUrl), postgresFraming),
    redisUrl: await through(new URL(redisUrl), redisFraming),
    sent,
    count: (given = () => undefined) => {
      deathAt = given;
    },
    dead,
    close: async () => {
      if (alive) die();
      for (const { client, server } of links) for (const socket of [client, server]) socket.destroy();
      await dead;
    },
  };
}
