import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { resetSocket } from '../../servers/reset-socket';

/** A TCP address whose connections lead to a server that can be exchanged, and that can lose answers. */
export interface TcpSwitch {
  readonly port: number;
  /** New connections lead to this port; those that exist are cut, as in a failover. */
  pointTo(port: number): void;
  /** From now on what the server answers on existing connections is lost; what is sent to it still arrives. */
  loseAnswers(): void;
  /** From now on nothing passes, on new connections either, and nobody is told. */
  freeze(): void;
  /** Breaks the connections that exist. */
  cut(): void;
  close(): Promise<void>;
}

export async function tcpSwitch(firstPort: number): Promise<TcpSwitch> {
  let target = firstPort;
  let frozen = false;
  const links = new Set<{ readonly client: Socket; readonly server: Socket; mute: boolean }>();
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    const link = { client, server, mute: false };
    links.add(link);
    const end = (): void => {
      client.destroy();
      server.destroy();
      links.delete(link);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.on('data', (data) => {
      if (!frozen) server.write(data);
    });
    server.on('data', (data) => {
      if (!link.mute && !frozen) client.write(data);
    });
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const cut = (): void => {
    for (const { client } of links) resetSocket(client);
  };
  return {
    port: (listener.address() as AddressInfo).port,
    pointTo: (port) => {
      target = port;
      cut();
    },
    loseAnswers: () => {
      for (const link of links) link.mute = true;
    },
    freeze: () => {
      frozen = true;
    },
    cut,
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      cut();
      await closed;
    },
  };
}
