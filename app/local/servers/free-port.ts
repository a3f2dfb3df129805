import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { commandOf, listenerOf } from './process-table';

/**
 * Below the ports that the system hands to outgoing connections (32768 and up on Linux, 49152 on macOS), so that nobody
 * takes the port of a server while it restarts, and a client that knocks at a dead server cannot connect to itself.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** True when something listens on (or otherwise holds) the port at `host`. */
export async function isPortTaken(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      else reject(new Error(`Port ${port} of ${host} cannot be opened: ${error.message}.`, { cause: error }));
    });
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(false)));
  });
}

/** A port of 127.0.0.1 that nothing holds at this moment, between 15,000 and 32,000. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (!(await isPortTaken(port))) return port;
  }
  throw new Error(`No free port was found between ${LOWEST} and ${HIGHEST} of 127.0.0.1; end what listens there.`);
}

/** `free`, or who holds the port as far as it can be seen: "redis-server (process 412)". */
export function portHolder(port: number): string {
  const pid = listenerOf(port);
  if (pid === undefined) return 'a program that this user cannot see';
  const program = commandOf(pid)?.split(' ')[0];
  return program ? `${basename(program).replace(/:$/, '')} (process ${pid})` : `process ${pid}`;
}

/**
 * Throws one sentence when the port is taken.
 * @param purpose what the port is for, as in "the app"
 * @param remedy how to choose another, as in "choose another with --port 8081"
 */
export async function requireFreePort(port: number, purpose: string, remedy: string, host?: string): Promise<void> {
  if (!(await isPortTaken(port, host))) return;
  throw new Error(`Port ${port}, meant for ${purpose}, is taken by ${portHolder(port)}; end it or ${remedy}.`);
}
