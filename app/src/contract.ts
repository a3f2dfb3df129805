/**
 * What the deployment and the app agree on: names of environment variables, ports and paths.
 * The only file of the app that the deployment imports; the app reads no variable that is not listed here.
 */
export const ENVIRONMENT = {
  /**
   * postgres://user@host:port/database?sslmode=verify-full; the password may be part of it, or come in
   * DATABASE_PASSWORD. `verify-full` encrypts and checks the server's certificate, `no-verify` only encrypts.
   */
  databaseUrl: 'DATABASE_URL',
  /** Secret: the password of DATABASE_URL's user. */
  databasePassword: 'DATABASE_PASSWORD',
  /** Connections that one process may open, besides CONNECTIONS_BEYOND_POOL. */
  databasePoolSize: 'DATABASE_POOL_SIZE',
  /** redis:// or rediss:// URL of the queue (noeviction). */
  queueRedisUrl: 'QUEUE_REDIS_URL',
  /** Secret: the AUTH token of the queue. */
  queueRedisPassword: 'QUEUE_REDIS_PASSWORD',
  /** redis:// or rediss:// URL of the cache (evictable). */
  cacheRedisUrl: 'CACHE_REDIS_URL',
  /** Secret: the AUTH token of the cache. */
  cacheRedisPassword: 'CACHE_REDIS_PASSWORD',
  /** file:///folder or s3://bucket/prefix */
  objectsUrl: 'OBJECTS_URL',
  /** ses://region or smtp://host:port; where mail is sent through. */
  mailUrl: 'MAIL_URL',
  /** Sender of mail: an address, or `Name <address>`. */
  mailFrom: 'MAIL_FROM',
  /**
   * Where text messages are sent through: sns://region, or a gateway that takes mail, smtp://host:port/domain, to which
   * +49301234 is 49301234@domain. Without a domain it is sms.localhost, whose mail only a catcher takes.
   */
  smsUrl: 'SMS_URL',
  /** How readers may be written to: `email`, `sms`, both parted by a comma, or nothing. What is named a worker must send. */
  contactChannels: 'CONTACT_CHANNELS',
  /** HH:MM in TIME_ZONE: when reminders go out on the day of a screening. */
  reminderTime: 'REMINDER_TIME',
  /** Comma-separated http:// or https:// addresses of RSS or Atom feeds whose news are collected; none switches it off. */
  newsFeeds: 'NEWS_FEEDS',
  /** Whole seconds between two rounds through the feeds; 0 switches collecting off. */
  newsSeconds: 'NEWS_SECONDS',
  /** http://host:port of a catcher of mail, whose messages the page /dev/outbox shows; for development only. */
  outboxUrl: 'OUTBOX_URL',
  /** The library's name, on pages and in messages. */
  libraryName: 'LIBRARY_NAME',
  /** IANA zone of the times on pages and in messages, for example Europe/Berlin. */
  timeZone: 'TIME_ZONE',
  /** Address of the app for its readers; messages link to it. */
  publicUrl: 'PUBLIC_URL',
  /** Secret: password of the staff's pages and bearer token of the administration routes. */
  adminToken: 'ADMIN_TOKEN',
  /** Address that the servers listen on. */
  listenHost: 'LISTEN_HOST',
  port: 'PORT',
  metricsPort: 'METRICS_PORT',
  /** The worker's kind: which of the configuration's workers it is. */
  workerKind: 'WORKER_KIND',
  /** Comma-separated `name` or `name:weight`. */
  workerQueues: 'WORKER_QUEUES',
  workerConcurrency: 'WORKER_CONCURRENCY',
  /** All worker kinds with their queues, for the scheduler's metrics: `default=default,imports;images=images`. */
  workerKinds: 'WORKER_KINDS',
  /** CloudWatch namespace of the scheduler's metrics, written to standard output in the embedded metric format. */
  metricsNamespace: 'METRICS_NAMESPACE',
  /** `on`: a busy worker asks Amazon ECS not to choose it when services scale in. */
  scaleInProtection: 'SCALE_IN_PROTECTION',
  /** Seconds from SIGTERM until running tasks are given back and open requests are cut. */
  drainSeconds: 'DRAIN_SECONDS',
  heartbeatSeconds: 'HEARTBEAT_SECONDS',
  leaseSeconds: 'LEASE_SECONDS',
  /** `on` allows POST /api/probes. */
  probes: 'PROBES',
  /**
   * http:// or https:// address that the calls of probes with the outcome `external` are posted to, each under its
   * Idempotency-Key; without it they call nobody. For tests of load and of faults only.
   */
  probeReceiverUrl: 'PROBE_RECEIVER_URL',
  logLevel: 'LOG_LEVEL',
  /** http://host:port of a receiver of OpenTelemetry traces (OTLP over HTTP); /v1/traces is appended. */
  otlpEndpoint: 'OTEL_EXPORTER_OTLP_ENDPOINT',
} as const;

/** Set by the platform, not by the deployment. */
export const PLATFORM_ENVIRONMENT = {
  /** The Amazon ECS agent's endpoint inside a task, for task scale-in protection. */
  ecsAgentUri: 'ECS_AGENT_URI',
  /** The Amazon ECS agent's metadata about the task: its cluster, family, revision and service. */
  ecsMetadataUri: 'ECS_CONTAINER_METADATA_URI_V4',
} as const;

/** Connections that a process of each kind opens besides its pool: claims, heartbeats and the relay. */
export const CONNECTIONS_BEYOND_POOL = { web: 0, worker: 7, scheduler: 0, migration: 1 } as const;

/** Names of the scheduler's metrics in METRICS_NAMESPACE; the first four have the dimension. */
export const METRICS = {
  /** Tasks that are due and not started, of the worker kind's queues. */
  backlog: 'Backlog',
  /** Seconds that the oldest of them has waited. */
  oldestAgeSeconds: 'OldestAgeSeconds',
  /** Workers of the kind whose lease is alive and that take tasks. */
  runningWorkers: 'RunningWorkers',
  /** Backlog divided by running workers; by 1 while there are none. */
  backlogPerWorker: 'BacklogPerWorker',
  /** Tasks that need a person, dead and parked ones, in all queues. */
  deadTasks: 'DeadTasks',
  /** Due tasks that no living worker of their queue knows, and those of queues that no kind of worker serves. */
  unclaimableTasks: 'UnclaimableTasks',
  /** 1 each time that the scheduler has written the metrics: its silence is an alarm. */
  schedulerBeat: 'SchedulerBeat',
  dimension: 'WorkerKind',
} as const;

/** Seconds between two writings of METRICS. */
export const METRICS_PERIOD_SECONDS = 30;

export const PORTS = { web: 8080, metrics: 9464 } as const;

export const PATHS = { health: '/healthz', ready: '/readyz' } as const;

/** Where the local run (`npm start`) says how it is reached: files of its folder in the project. */
export const LOCAL_RUN = {
  folder: '.holdfast',
  /** The address of the app while it runs. */
  address: 'address',
  /** The token of the administration routes, unless ADMIN_TOKEN sets it. */
  adminToken: 'admin-token',
} as const;
