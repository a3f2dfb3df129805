import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../local/servers/free-port';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../../local/servers/postgres-server';
import { type RedisOptions, type RedisServer, startRedis } from '../../local/servers/redis-server';
import { fromTestRun, TEST_RUN } from './test-run';

/** A new folder that goes away with the run. */
export function testFolder(prefix: string): string {
  const folder = mkdtempSync(join(fromTestRun('folder'), `${prefix}-`));
  chmodSync(folder, 0o711);
  return folder;
}

/** A Redis of one's own, to be emptied, killed, frozen (SIGSTOP to its pid) and restarted. */
export async function startPrivateRedis(options: Partial<RedisOptions> = {}): Promise<RedisServer> {
  return startRedis({
    directory: testFolder('redis'),
    port: await freePort(),
    policy: 'noeviction',
    maxMemoryMegabytes: 256,
    log: () => undefined,
    ...options,
  });
}

/** A PostgreSQL of one's own, with fsync on, to be killed and restarted. Takes two to three seconds. */
export async function startPrivatePostgres(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const binDirectory = process.env[TEST_RUN.postgresBin];
  return startPostgres({
    dataDirectory: join(testFolder('postgres'), 'data'),
    port: await freePort(),
    log: () => undefined,
    ...(binDirectory && { binDirectory }),
    ...options,
  });
}
