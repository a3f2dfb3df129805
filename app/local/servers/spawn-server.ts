import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Takes one line of a server's output. */
export type Log = (line: string) => void;

export interface SpawnOptions {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly log: Log;
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface SpawnedServer {
  readonly pid: number;
  /** Resolves with a sentence part such as "exit code 1" or "signal SIGKILL" once the process is gone. */
  readonly ended: Promise<string>;
  /** Undefined while it runs. */
  ending(): string | undefined;
  /** The last lines that it wrote, for error messages. */
  lastLines(): readonly string[];
}

const KEPT_LINES = 20;

/**
 * Starts a program in a process group of its own, so that the terminal's Ctrl-C does not reach it, and hands on its
 * output line by line. Rejects when the program cannot be started at all.
 */
export async function spawnServer(options: SpawnOptions): Promise<SpawnedServer> {
  const child = spawn(options.program, options.arguments, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.environment ?? process.env,
    ...(options.folder === undefined ? {} : { cwd: options.folder }),
    ...(options.user && { uid: options.user.uid, gid: options.user.gid }),
  });
  const lines: string[] = [];
  const read = (stream: Readable) =>
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      options.log(line);
    });
  read(child.stdout);
  read(child.stderr);

  let ending: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signalName) => {
      ending = signalName ? `signal ${signalName}` : `exit code ${code ?? 'unknown'}`;
      resolve(ending);
    });
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`${options.program} could not be started: ${error.message}.`, { cause: error })),
    );
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
  return { pid, ended, ending: () => ending, lastLines: () => lines };
}
