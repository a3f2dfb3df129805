import type { Socket } from 'node:net';

/**
 * Breaks a connection with a reset; one that is being closed already is only let go of. On such a one Node.js answers
 * `resetAndDestroy` with EINVAL and keeps the handle, which keeps the process alive for ever: libuv's uv_tcp_close_reset
 * refuses a stream with a shutdown under way.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
