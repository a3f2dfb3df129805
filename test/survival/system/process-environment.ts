import { pathToFileURL } from 'node:url';
import type { PostgresServer } from '../../../app/local/servers/postgres-server';
import type { RedisServer } from '../../../app/local/servers/redis-server';
import { ENVIRONMENT, PLATFORM_ENVIRONMENT } from '../../../app/src/contract';
import type { Link } from './link';
import type { Place } from './network';
import type { Outside } from './outside';

/** Tasks that a worker runs at once. */
const CONCURRENCY = 20;
/** Connections that a worker has for them. */
export const POOL_SIZE = 10;
export const LIBRARY_ZONE = 'Europe/London';
/** Between two ticks of the schedule that collects news. */
export const NEWS_SECONDS = 1;
const ALL_QUEUES = 'default,probes,imports,images,collect,reminders';

export interface Servers {
  postgres: PostgresServer;
  queue: RedisServer;
  readonly cache: RedisServer;
}

/** What the processes of one system share. */
export interface Surroundings {
  readonly servers: Servers;
  readonly outside: Outside;
  readonly token: string;
  /** The object store's folder. */
  readonly objects: string;
}

export interface EnvironmentOptions {
  /** A cache Redis for the web processes. @default false */
  readonly cache?: boolean;
  /** More variables of every process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** More variables of the workers, by their number from 0. */
  readonly workerEnvironment?: (worker: number) => NodeJS.ProcessEnv;
  /** @default all */
  readonly queues?: string;
}

/** Of the app's variables only these, so that what is set for a developer's own run changes nothing here. */
export function processEnvironment(
  name: string,
  { links, port }: Place,
  { servers, outside, token, objects }: Surroundings,
  options: EnvironmentOptions,
): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(
    ([variable]) => !Object.values(ENVIRONMENT).some((known) => known === variable),
  );
  const cached = options.cache === true && name.startsWith('web');
  const worker = name.startsWith('worker') ? Number(name.slice(-1)) - 1 : undefined;
  return {
    ...Object.fromEntries(others),
    [ENVIRONMENT.databaseUrl]: through(links.postgres, servers.postgres.url),
    [ENVIRONMENT.databasePoolSize]: String(POOL_SIZE),
    [ENVIRONMENT.queueRedisUrl]: through(links.queue, servers.queue.url),
    ...(cached && { [ENVIRONMENT.cacheRedisUrl]: through(links.cache, servers.cache.url) }),
    [ENVIRONMENT.objectsUrl]: outside.objects?.url ?? pathToFileURL(objects).href,
    ...outside.objects?.environment,
    [ENVIRONMENT.adminToken]: token,
    [ENVIRONMENT.listenHost]: '127.0.0.1',
    [ENVIRONMENT.port]: String(port),
    [ENVIRONMENT.publicUrl]: `http://127.0.0.1:${port}`,
    [ENVIRONMENT.timeZone]: LIBRARY_ZONE,
    [ENVIRONMENT.probes]: 'on',
    [ENVIRONMENT.probeReceiverUrl]: outside.receiver.address,
    ...(outside.mail !== undefined && {
      [ENVIRONMENT.mailUrl]: `smtp://127.0.0.1:${outside.mail.port}`,
      [ENVIRONMENT.mailFrom]: 'library@example.org',
      [ENVIRONMENT.contactChannels]: 'email',
    }),
    ...(outside.feed !== undefined && {
      [ENVIRONMENT.newsFeeds]: outside.feed.address,
      [ENVIRONMENT.newsSeconds]: String(NEWS_SECONDS),
    }),
    ...(worker !== undefined && {
      [ENVIRONMENT.workerQueues]: options.queues ?? ALL_QUEUES,
      [ENVIRONMENT.workerConcurrency]: String(CONCURRENCY),
      ...protection(outside, worker),
    }),
    // One line a request would bury what the workers say.
    [ENVIRONMENT.logLevel]: name.startsWith('web') ? 'warn' : 'info',
    ...options.environment,
    ...(worker !== undefined && options.workerEnvironment?.(worker)),
  };
}

function protection({ agents }: Outside, worker: number): NodeJS.ProcessEnv {
  const agent = agents[worker];
  if (agent === undefined) return {};
  return {
    [ENVIRONMENT.scaleInProtection]: 'on',
    [PLATFORM_ENVIRONMENT.ecsAgentUri]: agent.agentUri,
    [PLATFORM_ENVIRONMENT.ecsMetadataUri]: agent.metadataUri,
    AWS_REGION: 'us-east-1',
  };
}

function through(link: Link, url: string): string {
  return url.replace(/:\d+(?=\/|$)/, `:${link.port}`);
}
