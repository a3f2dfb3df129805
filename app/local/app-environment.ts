import { pathToFileURL } from 'node:url';
import { SAMPLE_FEEDS } from './news/sample-feeds';
import { ENVIRONMENT } from '../src/contract';

export interface AppAddresses {
  readonly databaseUrl: string;
  readonly queueRedisUrl: string;
  readonly cacheRedisUrl: string;
  /** Of the catcher of mail. */
  readonly smtpPort: number;
  readonly outboxPort: number;
  /** Of the sample feeds. */
  readonly feedsPort: number;
  /** Folder of the stored objects. */
  readonly objects: string;
  readonly adminToken: string;
  readonly port: number;
  readonly metricsPort: number;
}

/** Seconds that a process may drain at Ctrl-C: short, because a person waits, and what is cut off is taken up again. */
export const LOCAL_DRAIN_SECONDS = 10;

/** Between two rounds through the feeds: short, so that somebody who watches sees news come. */
const LOCAL_NEWS_SECONDS = 20;

/**
 * The environment of the app's processes: the launcher's own, so that a developer can set LOG_LEVEL or WORKER_QUEUES
 * for a run, under what the launcher knows better. Only the web process has the known ports.
 */
export function appEnvironment(
  base: NodeJS.ProcessEnv,
  addresses: AppAddresses,
  kind: 'web' | 'other',
): NodeJS.ProcessEnv {
  return {
    [ENVIRONMENT.drainSeconds]: String(LOCAL_DRAIN_SECONDS),
    [ENVIRONMENT.probes]: 'on',
    // A developer may name feeds of the world.
    [ENVIRONMENT.newsFeeds]: SAMPLE_FEEDS.map((path) => `http://127.0.0.1:${addresses.feedsPort}${path}`).join(','),
    [ENVIRONMENT.newsSeconds]: String(LOCAL_NEWS_SECONDS),
    ...base,
    [ENVIRONMENT.databaseUrl]: addresses.databaseUrl,
    // Set for something else by whoever runs this, they would contradict the addresses.
    [ENVIRONMENT.databasePassword]: '',
    [ENVIRONMENT.queueRedisPassword]: '',
    [ENVIRONMENT.cacheRedisPassword]: '',
    [ENVIRONMENT.queueRedisUrl]: addresses.queueRedisUrl,
    [ENVIRONMENT.cacheRedisUrl]: addresses.cacheRedisUrl,
    [ENVIRONMENT.objectsUrl]: pathToFileURL(addresses.objects).href,
    // All mail is caught, whatever the developer's own environment says: nobody else is written to from here.
    [ENVIRONMENT.mailUrl]: `smtp://127.0.0.1:${addresses.smtpPort}`,
    [ENVIRONMENT.mailFrom]: 'Town Library <post@library.example>',
    [ENVIRONMENT.smsUrl]: `smtp://127.0.0.1:${addresses.smtpPort}`,
    [ENVIRONMENT.contactChannels]: 'email,sms',
    [ENVIRONMENT.outboxUrl]: `http://127.0.0.1:${addresses.outboxPort}`,
    [ENVIRONMENT.publicUrl]: `http://localhost:${addresses.port}`,
    [ENVIRONMENT.adminToken]: addresses.adminToken,
    [ENVIRONMENT.listenHost]: '127.0.0.1',
    [ENVIRONMENT.port]: String(addresses.port),
    // 0 lets the system choose: nobody has to find the metrics of the others, the web process shows the fleet's.
    [ENVIRONMENT.metricsPort]: kind === 'web' ? String(addresses.metricsPort) : '0',
  };
}
