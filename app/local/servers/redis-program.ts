import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { installRedis } from './redis-install';
import type { Log } from './spawn-server';

export type RedisProgram =
  { readonly kind: 'program'; readonly path: string } | { readonly kind: 'container'; readonly engine: string };

export interface FindRedisOptions {
  readonly log: Log;
  /** Folders to look in, as in PATH. @default the environment's PATH */
  readonly searchPath?: string;
  /** Installs Redis by the system's package manager and says whether it did. @default installRedis, as root where apt-get is */
  readonly install?: (log: Log) => Promise<boolean>;
}

/** LMPOP, with which workers take many ids in one command: https://redis.io/docs/latest/commands/lmpop/ */
const LOWEST_MAJOR_VERSION = 7;
const IMAGE = 'valkey/valkey:8.1-alpine';
const NAMES = ['redis-server', 'valkey-server'];

const run = promisify(execFile);

/**
 * Looks for Redis >= 7.0 or Valkey: on the PATH, then a container engine whose daemon answers, then the system's
 * package manager. Throws one sentence on what to install when there is none.
 */
export async function findRedis({ log, searchPath, install = installRedis }: FindRedisOptions): Promise<RedisProgram> {
  const path = searchPath ?? process.env['PATH'] ?? '';
  const found = await findOnPath(path);
  if (found.path !== undefined) return { kind: 'program', path: found.path };
  const docker = locate('docker', path);
  if (docker !== undefined && (await daemonAnswers(docker))) return { kind: 'container', engine: docker };
  if (found.tooOld === undefined && (await install(log))) {
    const installed = await findOnPath(path);
    if (installed.path !== undefined) return { kind: 'program', path: installed.path };
    if (installed.tooOld !== undefined) found.tooOld = installed.tooOld;
  }
  const trouble =
    found.tooOld === undefined
      ? 'Redis was not found: there is no redis-server or valkey-server on the PATH and no docker daemon answers'
      : `${found.tooOld} is too old: the workers need the command LMPOP, which came with Redis 7.0`;
  throw new Error(`${trouble}; install Redis 7.0 or later, or Valkey (${hint()}), or start docker.`);
}

function hint(): string {
  return process.platform === 'darwin' ? '"brew install valkey"' : '"sudo apt-get install redis-server"';
}

async function findOnPath(searchPath: string): Promise<{ path?: string; tooOld?: string }> {
  let tooOld: string | undefined;
  for (const name of NAMES) {
    const path = locate(name, searchPath);
    if (path === undefined) continue;
    const version = await versionOf(path);
    if (version === undefined) continue;
    if (Number(version.split('.')[0]) >= LOWEST_MAJOR_VERSION) return { path };
    tooOld ??= `Redis ${version} (${path})`;
  }
  return tooOld === undefined ? {} : { tooOld };
}

/** "Redis server v=7.0.15 sha=…" and "Valkey server v=8.1.0 sha=…"; undefined when the program does not run. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 5_000 });
    return /\bv=(\d+(?:\.\d+)*)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function locate(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

async function daemonAnswers(docker: string): Promise<boolean> {
  try {
    await run(docker, ['version', '--format', '{{.Server.Version}}'], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}

/** What follows `docker`: the port is opened on loopback only, which stands in for Redis's own protected mode. */
export function containerArguments(name: string, port: number, flags: readonly string[]): string[] {
  return [
    ...['run', '--rm', '--name', name, '--label', 'holdfast-local', '--publish', `127.0.0.1:${port}:6379`, IMAGE],
    ...['valkey-server', '--bind', '0.0.0.0', '--protected-mode', 'no', ...flags],
  ];
}
