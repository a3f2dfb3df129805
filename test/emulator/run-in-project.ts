import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Where a person types the project's commands. */
export const ROOT = join(__dirname, '..', '..');

export interface Ended {
  readonly exitCode: number;
  /** Of standard output and standard error, as they came. */
  readonly output: string;
}

/** Runs a program in the project's folder to its end; without colours. @throws when it cannot be started. */
export async function runInProject(
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ended> {
  const child = spawn(program, words, {
    cwd: ROOT,
    env: { ...process.env, ...environment, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  return { exitCode, output };
}
