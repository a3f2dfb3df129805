import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../app/local/servers/free-port';
import { startPostgres } from '../app/local/servers/postgres-server';
import { startRedis } from '../app/local/servers/redis-server';

/** A PostgreSQL and a Redis of this run's own, in a folder that goes away with it. */
export interface Servers {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** Stops both and removes their folder. */
  stop(): Promise<void>;
}

/**
 * Starts both on free ports of this machine. PostgreSQL runs with the durability that it ships with (fsync and
 * synchronous_commit on); Redis writes nothing to disk, for both contenders, which favours the one that has no other
 * place for its tasks.
 */
export async function startServers(postgresBin: string | undefined): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  // PostgreSQL may run as another user, who has to pass through here.
  chmodSync(folder, 0o711);
  const quiet = () => undefined;
  const ports = [await freePort(), await freePort()] as const;
  const [postgres, redis] = await Promise.allSettled([
    startPostgres({
      dataDirectory: join(folder, 'postgres'),
      port: ports[0],
      log: quiet,
      database: 'bench',
      ...(postgresBin !== undefined && { binDirectory: postgresBin }),
    }),
    startRedis({
      directory: join(folder, 'redis'),
      port: ports[1],
      policy: 'noeviction',
      maxMemoryMegabytes: 4096,
      log: quiet,
    }),
  ]);
  const stop = async () => {
    await Promise.all([postgres, redis].map(async (server) => server.status === 'fulfilled' && server.value.stop()));
    rmSync(folder, { recursive: true, force: true });
  };
  if (postgres.status === 'fulfilled' && redis.status === 'fulfilled') {
    return { postgresUrl: postgres.value.url, redisUrl: redis.value.url, stop };
  }
  await stop();
  throw postgres.status === 'rejected' ? postgres.reason : (redis as PromiseRejectedResult).reason;
}
