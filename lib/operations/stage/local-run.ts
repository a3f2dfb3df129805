import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { LOCAL_RUN } from '../../../app/src/contract';
import { EXIT, OperationsError, missingError } from '../exit-codes';

/** Files of the local run's folder, beside those of the contract: app/local/folder.ts. */
const PORTS = 'ports.json';
const PROCESSES = 'processes.json';
const TIMEOUT_MS = 5_000;

/** Names and process ids of what `npm start` runs, without its own. @throws OperationsError when it does not run. */
export function localProcesses(root: string): readonly { readonly name: string; readonly pid: number }[] {
  const listed = read(root, PROCESSES) as readonly { name: string; pid: number; role: string }[];
  return listed.filter(({ role }) => role === 'app').map(({ name, pid }) => ({ name, pid }));
}

/**
 * Empties the Redis of the local queue.
 * @returns how many keys it had.
 */
export async function emptyLocalQueue(root: string): Promise<number> {
  const { queue } = read(root, PORTS) as { readonly queue: number };
  const [size = '', done = ''] = await ask(queue, 'DBSIZE', 'FLUSHALL');
  if (!size.startsWith(':') || done !== '+OK') {
    throw new OperationsError(EXIT.unavailable, `The local queue's Redis answered ${done || size} instead of OK.`);
  }
  return Number(size.slice(1));
}

function read(root: string, name: string): unknown {
  const path = join(root, LOCAL_RUN.folder, name);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  throw missingError(`The local app does not run: there is no ${LOCAL_RUN.folder}/${name}; start it with npm start.`);
}

/** Inline commands of the Redis protocol, whose answers are a line each. */
function ask(port: number, ...commands: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(
        new OperationsError(EXIT.unavailable, `The local queue's Redis at port ${port} cannot be reached: ${why}.`),
      );
    };
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(commands.map((each) => `${each}\r\n`).join('')));
    socket.setTimeout(TIMEOUT_MS, () => fail('it did not answer in time'));
    socket.on('error', ({ message }) => fail(message));
    socket.on('data', (data) => {
      answer += data.toString();
      const lines = answer.split('\r\n').slice(0, -1);
      if (lines.length < commands.length) return;
      socket.end();
      resolve(lines);
    });
    socket.on('close', () => fail('it closed the connection'));
  });
}
