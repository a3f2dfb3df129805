import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { Servers } from './servers';

/** Where the figures were measured. */
export interface Environment {
  readonly versions: Readonly<Record<string, string>>;
  /** Cores that this process may use; servers and workers share them. */
  readonly cores: number;
  readonly platform: string;
}

const SETTINGS = ['fsync', 'synchronous_commit', 'shared_buffers'];

/** Asks the servers for their versions, and the packages named for theirs. */
export async function readEnvironment(
  servers: Pick<Servers, 'postgresUrl' | 'redisUrl'>,
  packages: readonly string[],
): Promise<Environment> {
  const [postgres, redis] = await Promise.all([askPostgres(servers.postgresUrl), askRedis(servers.redisUrl)]);
  const versions: Record<string, string> = { 'Node.js': process.versions.node, PostgreSQL: postgres, Redis: redis };
  for (const name of packages) versions[name] = packageVersion(name);
  return { versions, cores: availableParallelism(), platform: `${process.platform} ${process.arch}` };
}

/** The version of an installed npm package. */
export function packageVersion(name: string): string {
  for (let folder = dirname(require.resolve(name)); ; folder = dirname(folder)) {
    try {
      const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (about.name === name && about.version !== undefined) return about.version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) throw error;
    }
  }
}

async function askPostgres(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const version = await client.query<{ server_version: string }>('show server_version');
    const settings = await client.query<{ name: string; setting: string }>(
      'select name, current_setting(name) as setting from pg_settings where name = any ($1) order by name',
      [SETTINGS],
    );
    const list = settings.rows.map(({ name, setting }) => `${name} ${setting}`).join(', ');
    return `${version.rows[0]?.server_version ?? 'unknown'} (${list})`;
  } finally {
    await client.end();
  }
}

async function askRedis(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const info = await redis.info('server');
    const version = /^(?:valkey|redis)_version:(\S+)/m.exec(info)?.[1] ?? 'unknown';
    return `${version} (appendonly no, save "")`;
  } finally {
    redis.disconnect();
  }
}
