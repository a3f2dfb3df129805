import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { main } from '../../../lib/operations/main';

export const ROOT = join(__dirname, '..', '..', '..');

/** What a command printed, and how it ended. */
export interface Ended {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

export interface InProcess {
  /** The project's folder. @default this one */
  readonly root?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** What comes from standard input, which is no terminal. @default nothing */
  readonly input?: string;
}

/** One command line in this process, as the bin runs it. */
export async function holdfast(words: readonly string[], options: InProcess = {}): Promise<Ended> {
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  input.end(options.input ?? '');
  const read = [output, errors].map((stream) => {
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    return chunks;
  });
  const exitCode = await main({
    words,
    environment: options.environment ?? process.env,
    root: options.root ?? ROOT,
    signal: options.signal ?? new AbortController().signal,
    input,
    output,
    errors,
  });
  return { exitCode, output: read[0]!.join(''), errors: read[1]!.join('') };
}

/** What it printed with --json. */
export function json({ output }: Ended): unknown {
  return JSON.parse(output);
}

export interface RunningCommand {
  readonly process: ChildProcess;
  output(): string;
  readonly ended: Promise<Ended>;
}

export interface InProcessOfItsOwn {
  /** The project's folder. @default - the bin of this project runs */
  readonly root?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** A program that runs the command line behind its own words, such as a terminal. @default - none */
  readonly under?: readonly string[];
}

/** One command line in a process of its own. */
export function startHoldfast(
  words: readonly string[],
  { root, environment = process.env, under = [] }: InProcessOfItsOwn = {},
): RunningCommand {
  const entry =
    root === undefined
      ? [join(ROOT, 'bin', 'holdfast.mjs')]
      : ['--import', 'tsx', join(__dirname, 'holdfast-process.ts'), root];
  const [program = '', ...line] = [...under, process.execPath, ...entry, ...words];
  const child = spawn(program, line, {
    cwd: ROOT,
    env: { ...environment, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    process: child,
    output: () => output,
    ended: closed.then(([code]) => ({ exitCode: code ?? -1, output, errors })),
  };
}

/** Lines that a terminal of 80 columns would break. */
export function tooLong(text: string): string[] {
  return text.split('\n').filter((line) => line.length > 80);
}
