import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { prefix, renderLine, type RenderOptions } from './log-prefix';
import type { Log } from './servers/spawn-server';

export interface Output extends RenderOptions {
  /** A line of the launcher itself. */
  readonly say: Log;
  /** Text without prefix. */
  write(text: string): void;
  /** Writes a process's lines to the terminal, and whole to `<folder of logs>/<name>.log`. */
  processLog(name: string): Log;
  /** As processLog, but only lines that match `notable` (none without) reach the terminal, while `quiet` is off. */
  serverLog(name: string, notable?: RegExp): Log;
  /** While it is on (start and stop, when servers complain about what is normal then), servers are not heard. */
  quiet(state: 'on' | 'off'): void;
}

export interface OutputOptions {
  readonly stream: NodeJS.WriteStream;
  readonly logFolder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** Colours only on a terminal, and not under NO_COLOR: https://no-color.org */
export function createOutput({ stream, logFolder, environment }: OutputOptions): Output {
  const color = stream.isTTY && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  const files = new Map<string, WriteStream>();
  let quiet = true;

  const keep = (name: string, line: string) => {
    let file = files.get(name);
    if (!file) {
      mkdirSync(logFolder, { recursive: true });
      file = createWriteStream(join(logFolder, `${name}.log`));
      files.set(name, file);
    }
    file.write(`${line}\n`);
  };
  const write = (text: string) => void stream.write(`${text}\n`);

  return {
    color,
    write,
    say: (line) => write(`${prefix('holdfast', { color })} ${line}`),
    processLog: (name) => (line) => {
      keep(name, line);
      write(renderLine(name, line, { color }));
    },
    serverLog: (name, notable) => (line) => {
      keep(name, line);
      if (!quiet && notable?.test(line)) write(renderLine(name, line, { color }));
    },
    quiet: (state) => {
      quiet = state === 'on';
    },
  };
}
