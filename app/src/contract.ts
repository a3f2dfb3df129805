/**
 * What the deployment and the app agree on: names of environment variables, ports and paths.
 * The only file of the app that the deployment imports; the app reads no variable that is not listed here.
 */
export const ENVIRONMENT = {
  /** postgres://user:password@host:port/database */
  databaseUrl: 'DATABASE_URL',
  /** Connections that one process may open. */
  databasePoolSize: 'DATABASE_POOL_SIZE',
  /** redis:// or rediss:// URL of the queue (noeviction). */
  queueRedisUrl: 'QUEUE_REDIS_URL',
  /** redis:// or rediss:// URL of the cache (evictable). */
  cacheRedisUrl: 'CACHE_REDIS_URL',
  /** file:///folder or s3://bucket/prefix */
  objectsUrl: 'OBJECTS_URL',
  /** Bearer token of the administration routes. */
  adminToken: 'ADMIN_TOKEN',
  /** Address that the servers listen on. */
  listenHost: 'LISTEN_HOST',
  port: 'PORT',
  metricsPort: 'METRICS_PORT',
  /** Comma-separated `name` or `name:weight`. */
  workerQueues: 'WORKER_QUEUES',
  workerConcurrency: 'WORKER_CONCURRENCY',
  /** Seconds from SIGTERM until running tasks are given back and open requests are cut. */
  drainSeconds: 'DRAIN_SECONDS',
  heartbeatSeconds: 'HEARTBEAT_SECONDS',
  leaseSeconds: 'LEASE_SECONDS',
  /** `on` allows POST /api/probes. */
  probes: 'PROBES',
  logLevel: 'LOG_LEVEL',
} as const;

export const PORTS = { web: 8080, metrics: 9464 } as const;

export const PATHS = { health: '/healthz', ready: '/readyz' } as const;
