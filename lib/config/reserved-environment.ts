import { ENVIRONMENT, PLATFORM_ENVIRONMENT } from '../../app/src/contract';

/** How the deployment comes by the value of each name of the contract; undefined: the process's own environment. */
const WAYS: Readonly<Record<keyof typeof ENVIRONMENT, string | undefined>> = {
  databaseUrl: 'set database',
  databasePassword: 'set database; the deployment makes the password',
  databasePoolSize: "set the process's databaseConnections",
  queueRedisUrl: 'set redis',
  queueRedisPassword: 'set redis; the deployment makes the token',
  cacheRedisUrl: 'set redis.cache',
  cacheRedisPassword: 'set redis.cache; the deployment makes the token',
  objectsUrl: 'leave it to the deployment, which makes the bucket',
  mailUrl: 'set mail',
  mailFrom: 'set mail.from',
  smsUrl: undefined,
  contactChannels: undefined,
  reminderTime: undefined,
  newsFeeds: undefined,
  newsSeconds: undefined,
  outboxUrl: undefined,
  libraryName: undefined,
  timeZone: undefined,
  publicUrl: 'set tls.domain; without it the address is that of the load balancer',
  adminToken: 'leave it to the deployment, which makes the token',
  listenHost: 'leave it to the app, which listens on all addresses of its container',
  port: 'set web.port',
  metricsPort: 'leave it to the deployment',
  workerKind: 'name the kind in workers',
  workerQueues: "set the worker's queues",
  workerConcurrency: "set the worker's concurrency",
  workerKinds: 'name the kinds in workers',
  metricsNamespace: 'leave it to the deployment',
  scaleInProtection: "set the worker's scaleInProtection",
  drainSeconds: "set the process's drainSeconds",
  heartbeatSeconds: undefined,
  leaseSeconds: undefined,
  probes: 'set probes',
  probeReceiverUrl: undefined,
  logLevel: undefined,
  otlpEndpoint: undefined,
};

/** Names that the platform or the deployment sets besides the contract. */
const OTHERS: Readonly<Record<string, string>> = {
  [PLATFORM_ENVIRONMENT.ecsAgentUri]: 'leave it to Amazon ECS',
  [PLATFORM_ENVIRONMENT.ecsMetadataUri]: 'leave it to Amazon ECS',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "leave it to Amazon ECS and set the process's permissions",
  AWS_ACCESS_KEY_ID: "leave it out, or the containers do not take their role, and set the process's permissions",
  AWS_SECRET_ACCESS_KEY: "leave it out, or the containers do not take their role, and set the process's permissions",
  AWS_SESSION_TOKEN: "leave it out, or the containers do not take their role, and set the process's permissions",
  AWS_REGION: "set the stage's region",
  CELERY_VISIBILITY_TIMEOUT_SECONDS: 'set celery.visibilityTimeoutSeconds',
};

/** Names that no process's environment or secrets may redefine, and the way to what they stand for. */
export const RESERVED_ENVIRONMENT: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OTHERS),
  ...Object.entries(WAYS).flatMap(([key, way]): [string, string][] =>
    way === undefined ? [] : [[ENVIRONMENT[key as keyof typeof ENVIRONMENT], way]],
  ),
]);
