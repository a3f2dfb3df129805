import { Pool } from 'pg';
import type { ClientConfig, PoolConfig } from 'pg';
import type { Logger } from 'pino';
import { postgresTls } from './tls';

/**
 * Limits that let a request end within about 5 s although PostgreSQL hangs, in milliseconds: the server gives up a
 * statement, then the client gives up waiting for the server's answer.
 */
const REQUEST_LIMITS = {
  connectionTimeoutMillis: 1500,
  statement_timeout: 3000,
  query_timeout: 3500,
} as const;

/** Share of a web process's connections that its own reads get; the task engine has the others. */
const READING_SHARE = 0.4;

export interface ConnectionOptions {
  readonly databaseUrl: string;
  /** Connections that the process may open in all. */
  readonly poolSize: number;
  /** Kind of process, shown in pg_stat_activity. */
  readonly process: string;
}

/**
 * How to reach PostgreSQL: the one way from DATABASE_URL to a connection, so that none forgets its TLS.
 * @param authorities further certificate authorities for `verify-full`, each in PEM.
 */
export function postgresAt(databaseUrl: string, authorities: readonly string[] = []): ClientConfig {
  const address = new URL(databaseUrl);
  const ssl = postgresTls(address, authorities);
  // `pg` would read it once more, in its own way, and over `ssl`.
  address.searchParams.delete('sslmode');
  return { connectionString: address.href, ssl };
}

/** Pools of a web process: the engine's and the app's own, together `poolSize` connections. */
export function webPools(options: ConnectionOptions): { readonly engine: PoolConfig; readonly app: PoolConfig } {
  const app = Math.max(1, Math.round(options.poolSize * READING_SHARE));
  const common = { ...postgresAt(options.databaseUrl), ...REQUEST_LIMITS };
  return {
    engine: { ...common, max: options.poolSize - app, application_name: `holdfast ${options.process} tasks` },
    app: { ...common, max: app, application_name: `holdfast ${options.process}` },
  };
}

/** The engine's pool in a process that serves no requests: all connections, the engine's own limits. */
export function enginePool(options: ConnectionOptions): PoolConfig {
  return {
    ...postgresAt(options.databaseUrl),
    max: options.poolSize,
    application_name: `holdfast ${options.process} tasks`,
  };
}

/** A pool that outlives losing connections that nobody uses: the loss is logged, the next query opens a new one. */
export function openPool(config: PoolConfig, logger: Logger): Pool {
  const pool = new Pool(config);
  pool.on('error', (error) => logger.warn({ err: error }, 'idle database connection lost'));
  // Also between its being lent and its being used, when the pool does not listen: tasks/ledger/open-pool.ts.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}
