import type { Socket } from 'node:net';
import type { App } from './app';

/**
 * While the server closes, closes each connection as soon as its last answer is sent, and at once those on which none
 * is asked for. Node.js itself waits for connections that a client opened ahead of its first request, and for those that
 * it keeps open after an answer that was under way when closing began.
 */
export function closeIdleConnectionsWhileClosing(app: App): void {
  /** Every open connection with its requests under way. */
  const requests = new Map<Socket, number>();
  let closing = false;
  const change = (socket: Socket, by: number): void => {
    const count = (requests.get(socket) ?? 0) + by;
    if (!socket.destroyed) requests.set(socket, count);
    if (closing && count === 0) socket.destroySoon();
  };
  app.server.on('connection', (socket: Socket) => {
    requests.set(socket, 0);
    if (closing) socket.destroySoon();
    socket.once('close', () => requests.delete(socket));
  });
  app.server.on('request', ({ socket }, response) => {
    change(socket, 1);
    response.once('close', () => change(socket, -1));
  });
  app.addHook('preClose', (done) => {
    closing = true;
    for (const socket of requests.keys()) change(socket, 0);
    done();
  });
}
