import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Log } from './spawn-server';

const run = promisify(execFile);
const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs Debian's package redis-server, saying so before. False when this process is not root or there is no apt-get.
 * The package would start a Redis of its own on port 6379 at once and at every boot: both are prevented.
 * Throws a sentence with apt's own last line when the installation fails.
 */
export async function installRedis(log: Log): Promise<boolean> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  log('Installing Redis: apt-get install -y redis-server (the system service stays off).');
  await withoutServiceStarts(async () => {
    try {
      await aptGet('install', 'redis-server');
    } catch {
      // Fresh images come without package lists.
      await aptGet('update');
      await aptGet('install', 'redis-server');
    }
  });
  if (existsSync('/run/systemd/system'))
    await run('systemctl', ['disable', '--now', 'redis-server']).catch(() => undefined);
  return true;
}

async function aptGet(...words: readonly string[]): Promise<void> {
  try {
    await run('apt-get', ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...words], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new Error(`apt-get ${words.join(' ')} failed: ${output.split('\n').at(-1) ?? ''}`, { cause: error });
  }
}

/** Package scripts ask policy-rc.d before they start a service; 101 forbids it: invoke-rc.d(8). */
async function withoutServiceStarts(work: () => Promise<void>): Promise<void> {
  if (existsSync(POLICY)) return work();
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    rmSync(POLICY, { force: true });
  }
}
