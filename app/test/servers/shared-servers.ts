import type { PostgresServer } from '../../local/servers/postgres-server';
import type { RedisServer } from '../../local/servers/redis-server';
import type { Reaper } from './reaper.client';

/** What the global setup started and the global teardown ends; both run in jest's own process. */
export interface SharedServers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly reaper: Reaper;
}

declare global {
  var holdfastTestServers: SharedServers | undefined;
}
