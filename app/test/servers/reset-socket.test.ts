import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { resetSocket } from './reset-socket';

it.each([
  ['that is open', () => undefined],
  ['whose shutdown is under way', (socket: Socket) => socket.end()],
])('lets go of a connection %s', async (_, before) => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const errors: unknown[] = [];
  socket.on('error', (error) => errors.push(error));
  const closed = once(socket, 'close');
  before(socket);
  process.nextTick(() => resetSocket(socket));
  await closed;
  await once(server.close(), 'close');
  expect(errors).toEqual([]);
});
