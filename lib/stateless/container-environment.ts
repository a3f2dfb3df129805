import { Token } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { ENVIRONMENT, PORTS } from '../../app/src/contract';
import { databasePoolSize } from '../config';
import type { DrainBudget, StageConfiguration } from '../config';
import { metricsNamespace } from '../observability/metrics';
import type { BackingServices, Endpoint } from '../stateful/backing-services';

/** What a container gets to know of its surroundings, by the names of app/src/contract.ts. */
export interface ContainerEnvironment {
  readonly environment: Readonly<Record<string, string>>;
  /** Values that Amazon ECS reads from Secrets Manager when the container starts; they stand in no template. */
  readonly secrets: Readonly<Record<string, ecs.Secret>>;
  /** The servers that the above name: the container reaches these and no others. */
  readonly endpoints: readonly Endpoint[];
}

export interface EnvironmentProps {
  readonly configuration: StageConfiguration;
  readonly drainBudget: DrainBudget;
  readonly services: BackingServices;
  /** Where people reach the app, without a slash at the end. */
  readonly publicUrl: string;
}

/** Folder of the bucket under which the app keeps its objects, and the only one that its roles reach. */
export const OBJECTS_PREFIX = 'uploads';

/** For Celery's `broker_transport_options`: what the drain budget was checked against. */
const CELERY_VISIBILITY_TIMEOUT_SECONDS = 'CELERY_VISIBILITY_TIMEOUT_SECONDS';

/**
 * For the AWS software development kits. Agents before May 2026 do not set it on EC2 (amazon-ecs-agent #4946); the task
 * definition's value goes before the agent's.
 */
const AWS_REGION = 'AWS_REGION';

export function webEnvironment(props: EnvironmentProps): ContainerEnvironment {
  const { configuration, drainBudget, services } = props;
  const common = merge(
    database(props),
    queueEnvironment(services),
    cache(props),
    objects(props),
    address(props),
    region(props),
    {
      environment: {
        [ENVIRONMENT.port]: String(configuration.web.port),
        [ENVIRONMENT.drainSeconds]: String(drainBudget.web.drainSeconds),
      },
      secrets: { [ENVIRONMENT.adminToken]: ecs.Secret.fromSecretsManager(services.adminToken) },
    },
  );
  if (configuration.taskEngine !== 'holdfast') return merge(common, mail(props), celery(props));
  return merge(common, channels(props), engine(configuration, 'web', configuration.web.databaseConnections), {
    environment: { [ENVIRONMENT.probes]: configuration.probes ? 'on' : 'off' },
  });
}

export function workerEnvironment(props: EnvironmentProps, kind: string): ContainerEnvironment {
  const { configuration, drainBudget, services } = props;
  const worker = configuration.workers[kind];
  const drain = drainBudget.workers[kind];
  if (worker === undefined || drain === undefined) throw new Error(`there is no worker kind "${kind}"`);
  const common = merge(
    database(props),
    queueEnvironment(services),
    objects(props),
    mail(props),
    address(props),
    region(props),
    {
      environment: {
        [ENVIRONMENT.workerKind]: kind,
        [ENVIRONMENT.workerQueues]: worker.queues.map(({ name, weight }) => `${name}:${weight}`).join(','),
        [ENVIRONMENT.workerConcurrency]: String(worker.concurrency),
        [ENVIRONMENT.drainSeconds]: String(drain.drainSeconds),
      },
    },
  );
  if (configuration.taskEngine !== 'holdfast') return merge(common, cache(props), celery(props));
  return merge(common, engine(configuration, 'worker', worker.databaseConnections), {
    environment: { [ENVIRONMENT.scaleInProtection]: worker.scaleInProtection ? 'on' : 'off' },
  });
}

export function schedulerEnvironment(props: EnvironmentProps): ContainerEnvironment {
  const { configuration, drainBudget, services } = props;
  const common = merge(database(props), queueEnvironment(services), region(props), {
    environment: { [ENVIRONMENT.drainSeconds]: String(drainBudget.scheduler.drainSeconds) },
  });
  if (configuration.taskEngine !== 'holdfast') {
    return merge(common, cache(props), objects(props), mail(props), address(props), celery(props));
  }
  return merge(common, engine(configuration, 'scheduler', configuration.scheduler?.databaseConnections ?? 0), {
    environment: {
      [ENVIRONMENT.workerKinds]: workerKinds(configuration),
      [ENVIRONMENT.metricsNamespace]: metricsNamespace(configuration),
    },
  });
}

/** `default=default,imports;images=images` */
export function workerKinds({ workers }: StageConfiguration): string {
  return Object.entries(workers)
    .map(([kind, { queues }]) => `${kind}=${queues.map(({ name }) => name).join(',')}`)
    .join(';');
}

/** A migration needs the database; that of another engine may need whatever its framework loads on the way. */
export function migrationEnvironment(props: EnvironmentProps): ContainerEnvironment {
  const needed = merge(database(props), region(props));
  if (props.configuration.taskEngine === 'holdfast') return needed;
  return merge(needed, queueEnvironment(props.services), cache(props), objects(props), mail(props), celery(props));
}

/** Later parts win, and a name is either a variable or a secret: Amazon ECS refuses one that is both. */
export function merge(...parts: readonly Partial<ContainerEnvironment>[]): ContainerEnvironment {
  return parts.reduce<ContainerEnvironment>(
    (merged, { environment = {}, secrets = {}, endpoints = [] }) => ({
      environment: { ...without(merged.environment, secrets), ...environment },
      secrets: { ...without(merged.secrets, environment), ...secrets },
      endpoints: [...new Set([...merged.endpoints, ...endpoints])],
    }),
    { environment: {}, secrets: {}, endpoints: [] },
  );
}

function without<T>(values: Readonly<Record<string, T>>, names: object): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !(name in names)));
}

function database({ services: { database: endpoint } }: EnvironmentProps): ContainerEnvironment {
  const { host, port, user, name } = endpoint;
  return {
    environment: {
      [ENVIRONMENT.databaseUrl]: `postgres://${escape(user)}@${host}:${port}/${escape(name)}?sslmode=verify-full`,
    },
    secrets: { [ENVIRONMENT.databasePassword]: secretOf(endpoint) },
    endpoints: [endpoint],
  };
}

/** How the queue's Redis is reached. */
export function queueEnvironment({ queue }: Pick<BackingServices, 'queue'>): ContainerEnvironment {
  return redis(queue, ENVIRONMENT.queueRedisUrl, ENVIRONMENT.queueRedisPassword);
}

function cache({ services }: EnvironmentProps): ContainerEnvironment {
  return redis(services.cache, ENVIRONMENT.cacheRedisUrl, ENVIRONMENT.cacheRedisPassword);
}

function redis(endpoint: Endpoint & { readonly tls: boolean }, url: string, password: string): ContainerEnvironment {
  return {
    environment: { [url]: `${endpoint.tls ? 'rediss' : 'redis'}://${endpoint.host}:${endpoint.port}` },
    secrets: { [password]: secretOf(endpoint) },
    endpoints: [endpoint],
  };
}

function objects({ services }: EnvironmentProps): Partial<ContainerEnvironment> {
  return { environment: { [ENVIRONMENT.objectsUrl]: `s3://${services.uploads.bucketName}/${OBJECTS_PREFIX}` } };
}

function mail({ configuration }: EnvironmentProps): Partial<ContainerEnvironment> {
  if (configuration.mail === undefined) return {};
  return {
    environment: {
      [ENVIRONMENT.mailUrl]: `ses://${configuration.region}`,
      [ENVIRONMENT.mailFrom]: configuration.mail.from,
    },
  };
}

function address({ publicUrl }: EnvironmentProps): Partial<ContainerEnvironment> {
  return { environment: { [ENVIRONMENT.publicUrl]: publicUrl } };
}

/** What the workers can send; web offers it to readers and sends nothing itself. */
function channels({ configuration }: EnvironmentProps): Partial<ContainerEnvironment> {
  if (configuration.mail === undefined) return {};
  return { environment: { [ENVIRONMENT.contactChannels]: 'email' } };
}

function region({ configuration }: EnvironmentProps): Partial<ContainerEnvironment> {
  return { environment: { [AWS_REGION]: configuration.region } };
}

function celery({ configuration }: EnvironmentProps): Partial<ContainerEnvironment> {
  if (configuration.taskEngine !== 'celery') return {};
  const { visibilityTimeoutSeconds } = configuration.celery;
  return { environment: { [CELERY_VISIBILITY_TIMEOUT_SECONDS]: String(visibilityTimeoutSeconds) } };
}

/** What every process of the durable task engine reads. */
function engine(
  configuration: StageConfiguration,
  kind: 'web' | 'worker' | 'scheduler',
  connections: number,
): Partial<ContainerEnvironment> {
  return {
    environment: {
      [ENVIRONMENT.databasePoolSize]: String(databasePoolSize(configuration, kind, connections)),
      [ENVIRONMENT.metricsPort]: String(PORTS.metrics),
    },
  };
}

function secretOf({ secret, secretField }: Endpoint): ecs.Secret {
  return ecs.Secret.fromSecretsManager(secret, secretField);
}

/** A value that is known only at the deployment cannot be escaped; those of the configuration are plain names. */
function escape(value: string): string {
  return Token.isUnresolved(value) ? value : encodeURIComponent(value);
}
