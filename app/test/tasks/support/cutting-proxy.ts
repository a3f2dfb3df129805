import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to PostgreSQL on which the answer to one statement never arrives. */
export interface CuttingProxy {
  /** As the database's, through the proxy. */
  readonly url: string;
  /**
   * Lets the next message that contains `text` pass and holds back every answer of its connection from there on.
   * Resolves when the message is on its way to PostgreSQL.
   */
  loseAnswerTo(text: string): Promise<void>;
  /**
   * Lets the next connection on which a message contains `text` go silent for ever, beginning with that message.
   * Resolves when it has happened.
   */
  swallow(text: string): Promise<void>;
  /** Cuts the connection whose answers are held back; those of the client's messages that PostgreSQL has stay there. */
  cut(): void;
  close(): Promise<void>;
}

export async function cuttingProxy(databaseUrl: string): Promise<CuttingProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let wanted: { readonly text: string; readonly found: () => void; readonly swallow: boolean } | undefined;
  let mute: Socket | undefined;

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Cut connections are what this is for.
      socket.on('error', () => undefined);
    }
    let silent = false;
    client.on('data', (data) => {
      const found = wanted !== undefined && data.includes(wanted.text) ? wanted : undefined;
      silent ||= found?.swallow === true;
      if (!silent) upstream.write(data);
      if (found === undefined) return;
      if (!silent) mute = client;
      wanted = undefined;
      found.found();
    });
    upstream.on('data', (data) => {
      if (mute !== client && !silent) client.write(data);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    loseAnswerTo: (text) => new Promise((found) => (wanted = { text, found, swallow: false })),
    swallow: (text) => new Promise((found) => (wanted = { text, found, swallow: true })),
    cut: () => mute?.destroy(),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
