import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { freePort, isPortTaken, portHolder } from './servers/free-port';
import type { Log } from './servers/spawn-server';

export interface ServerPorts {
  readonly postgres: number;
  readonly queue: number;
  readonly cache: number;
  /** Of the catcher of mail, for those who send and for those who look. */
  readonly smtp: number;
  readonly outbox: number;
  /** Of the sample feeds. */
  readonly feeds: number;
}

const PURPOSES = {
  postgres: 'PostgreSQL',
  queue: 'the queue',
  cache: 'the cache',
  smtp: 'mail',
  outbox: 'the outbox',
  feeds: 'the sample feeds',
} as const;

/**
 * Ports of the servers behind the app: chosen once, kept in `file`, and chosen anew where another program has taken one
 * in the meantime, since nobody but the app's own processes needs to know them.
 */
export async function keptPorts(file: string, say: Log): Promise<ServerPorts> {
  const kept = readPorts(file);
  const choose = async (name: keyof ServerPorts): Promise<number> => {
    const port = kept[name];
    if (port === undefined) return freePort();
    if (!(await isPortTaken(port))) return port;
    const other = await freePort();
    say(`Port ${port} of ${PURPOSES[name]} is taken by ${portHolder(port)}; it moves to ${other}.`);
    return other;
  };
  const ports = {
    postgres: await choose('postgres'),
    queue: await choose('queue'),
    cache: await choose('cache'),
    smtp: await choose('smtp'),
    outbox: await choose('outbox'),
    feeds: await choose('feeds'),
  };
  writeFileSync(file, `${JSON.stringify(ports)}\n`);
  return ports;
}

function readPorts(file: string): Partial<ServerPorts> {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<ServerPorts>;
  } catch {
    // Cut off by a crash while it was written; new ports do as well.
    return {};
  }
}
