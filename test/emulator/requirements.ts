import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..', '..');
const IMAGES = ['node:24-bookworm-slim', 'postgres:16-alpine', 'valkey/valkey:8.1-alpine'];

/** Installs and starts what can be. @returns why the test cannot run here, or undefined. */
export function missingRequirement(): string | undefined {
  if (process.platform !== 'linux') return 'Containers have to be reached by their own addresses, which needs Linux.';
  return runs('test/lab/docker.sh', IMAGES) ?? runs('scripts/python-tools.sh', []) ?? undefined;
}

/** @returns what a script said that failed. */
function runs(script: string, words: readonly string[]): string | undefined {
  try {
    // The engine outlives this process: without the mark and the folder it does not count as left over by it.
    const env = { ...process.env, HOLDFAST_CI_RUN: undefined, TMPDIR: undefined };
    execFileSync(join(ROOT, script), words, { env, stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' });
    return undefined;
  } catch (error) {
    const { stderr = '', message } = error as { readonly stderr?: string; readonly message: string };
    return stderr.trim() || message;
  }
}
