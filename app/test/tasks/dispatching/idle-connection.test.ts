import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { startPrivateRedis } from '../../servers/private-servers';
import { recordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

it('a connection that nobody uses notices that its server has fallen silent, and is back', async () => {
  const redis = await startPrivateRedis();
  const passing = new Set<Socket>();
  let connections = 0;
  const network = createServer((client) => {
    const server = connect(redis.port, '127.0.0.1');
    connections += 1;
    passing.add(client);
    client.on('data', (data) => passing.has(client) && server.write(data)).on('close', () => server.destroy());
    server.on('data', (data) => passing.has(client) && client.write(data));
    for (const socket of [client, server]) socket.on('error', () => undefined);
  });
  await once(network.listen(0, '127.0.0.1'), 'listening');
  const url = `redis://127.0.0.1:${(network.address() as AddressInfo).port}`;
  const connection = new RedisConnection(url, { name: 'commands', silenceMs: 500, logger: recordingLogger() });
  try {
    await until('it is ready', () => connection.ready);

    // Nothing passes any more on what exists, and nobody is told.
    passing.clear();

    await until('it has connected anew', () => connections === 2 && connection.ready, 20);
  } finally {
    connection.close();
    network.close();
    await redis.stop();
  }
});
