import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from '../http/test-app';

const ROOT = join(__dirname, '..', '..', '..');
const started: Running[] = [];

/** One of the app's processes. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** Its standard output so far, as it is. */
  readonly output: () => string;
  /** Its standard output so far, each line parsed. */
  readonly lines: () => Record<string, unknown>[];
  /** Its standard error so far. */
  readonly errors: () => string;
  /** The exit code, or the signal that ended it. */
  readonly exit: Promise<number | string>;
}

/** Starts app/src/KIND.ts with these variables besides the environment of the tests, and these arguments. */
export function runEntryPoint(
  kind: string,
  environment: Readonly<Record<string, string>>,
  words: readonly string[] = [],
): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', join('app', 'src', `${kind}.ts`), ...words], {
    cwd: ROOT,
    env: { ...process.env, ...environment },
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()));
  const exit = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const lines = (): Record<string, unknown>[] =>
    output
      .slice(0, output.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((each) => each !== '')
      .map((each) => JSON.parse(each) as Record<string, unknown>);
  const running: Running = { child, exit, output: () => output, errors: () => errors, lines };
  started.push(running);
  return running;
}

/** Kills what still runs; after each test. */
export async function killEntryPoints(): Promise<void> {
  for (const { child, exit } of started.splice(0)) {
    child.kill('SIGKILL');
    await exit;
  }
}

/** Waits for a log line with this message. */
export function line(running: Running, message: RegExp): Promise<Record<string, unknown>> {
  return eventually(() => running.lines().find(({ msg }) => message.test(String(msg))), `a line ${String(message)}`);
}
