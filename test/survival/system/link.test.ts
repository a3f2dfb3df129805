import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { waitUntil } from '../../../app/local/servers/wait-until';
import { Link } from './link';

const NUMBERS = 1_000;

/** Writes a number at a time, and now and then keeps the loop busy, so that timers are late. */
function count(socket: Socket): void {
  let next = 0;
  const writing = setInterval(() => {
    socket.write(`${next} `);
    next += 1;
    if (next === NUMBERS) clearInterval(writing);
    const busyMs = performance.now() + (next % 7 === 0 ? 4 : 0);
    while (performance.now() < busyMs);
  }, 1);
}

it('bytes do not overtake each other, as little as in TCP, while the link is slow and healed again and again', async () => {
  const server = createServer(count);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const link = await Link.to((server.address() as AddressInfo).port);
  link.slow(5, 10);
  const client = connect(link.port, '127.0.0.1');
  let text = '';
  client.on('data', (data) => (text += data.toString()));
  const slow = setInterval(() => link.slow(5, 10), 30);
  const healed = setInterval(() => link.heal(), 45);
  const numbers = (): string[] => text.trim().split(' ');
  await waitUntil('everything is there', () => numbers().length === NUMBERS, { limitSeconds: 30 });
  clearInterval(slow);
  clearInterval(healed);
  client.destroy();
  await link.close();
  server.close();
  expect(numbers().map(Number)).toEqual(Array.from({ length: NUMBERS }, (_, i) => i));
});
