import { join } from 'node:path';
import { freePort } from '../../local/servers/free-port';
import { startPostgres } from '../../local/servers/postgres-server';
import { startRedis } from '../../local/servers/redis-server';
import { createLedgerTemplate } from './databases';
import { openTestRun } from './open-test-run';
import './shared-servers';
import { TEST_RUN } from './test-run';

/** Numbered databases of the shared Redis. */
const REDIS_DATABASES = 128;

/** Starts one PostgreSQL and one Redis for the whole run, and what ends them however the run ends. */
async function globalSetup(): Promise<void> {
  const { folder, reaper } = openTestRun();
  const quiet = () => undefined;
  const binDirectory = process.env[TEST_RUN.postgresBin];
  const [postgres, redis] = await Promise.all([
    startPostgres({
      dataDirectory: join(folder, 'postgres'),
      port: await freePort(),
      log: quiet,
      ...(binDirectory && { binDirectory }),
      // Nobody kills this one; tests that do start their own with fsync on.
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    }),
    startRedis({
      directory: join(folder, 'redis'),
      port: await freePort(),
      policy: 'noeviction',
      maxMemoryMegabytes: 1024,
      log: quiet,
      settings: { databases: REDIS_DATABASES },
    }),
  ]);
  globalThis.holdfastTestServers = { postgres, redis, reaper };
  process.env[TEST_RUN.databaseUrl] = postgres.url;
  process.env[TEST_RUN.redisUrl] = redis.url;
  await createLedgerTemplate();
}

export { globalSetup as default };
