import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import type { ChainableCommander, RedisOptions } from 'ioredis';
import type { TaskLogger } from '../types';

/** How often a connection asks for a sign of life: one that nobody uses expects no answer, so it would miss none. */
const PING_EVERY_MS = 5_000;

/**
 * A connection to the queue's Redis that never makes anybody wait for a Redis that is gone: while it is not ready,
 * commands fail at once; a server that stops answering is noticed after `silenceMs`, by a connection that is not used
 * after PING_EVERY_MS more, and reconnected to for ever.
 */
export class RedisConnection {
  private readonly client: Redis;
  private readonly pings: NodeJS.Timeout;
  private lastError = '';

  constructor(
    url: string,
    private readonly options: { readonly name: string; readonly silenceMs: number; readonly logger: TaskLogger },
  ) {
    this.client = new Redis(url, {
      ...redisTls(url),
      connectionName: `holdfast-${options.name}`,
      connectTimeout: options.silenceMs,
      socketTimeout: options.silenceMs,
      enableOfflineQueue: false,
      // A command whose answer was lost must not be sent again by itself: a second pop would lose ids for a while.
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
      // After a failover the old primary answers READONLY until its address points to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    this.client.on('error', (error: Error) => this.report(error));
    this.client.on('ready', () => {
      if (this.lastError !== '') options.logger.info({ connection: options.name }, 'redis is back');
      this.lastError = '';
    });
    this.pings = setInterval(() => {
      if (this.ready) void this.client.ping().catch(() => undefined);
    }, PING_EVERY_MS).unref();
  }

  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /**
   * Sends commands together.
   * @throws Error when Redis is not ready, does not answer, or refuses one of the commands.
   */
  async send(build: (pipeline: ChainableCommander) => ChainableCommander): Promise<unknown[]> {
    if (!this.ready) throw new Error('redis is not ready');
    const results = (await build(this.client.pipeline()).exec()) ?? [];
    return results.map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
  }

  /** Takes up to `count` ids from the first list that has any, waiting at most `waitSeconds`; 0 does not wait. */
  async take(lists: readonly string[], count: number, waitSeconds: number): Promise<string[]> {
    if (!this.ready) throw new Error('redis is not ready');
    // BLMPOP with 0 would wait for ever, and a short wait may last until the server's next tick (100 ms).
    const answer =
      waitSeconds > 0
        ? await this.client.blmpop(waitSeconds, lists.length, [...lists], 'LEFT', 'COUNT', count)
        : await this.client.lmpop(lists.length, [...lists], 'LEFT', 'COUNT', count);
    return answer?.[1] ?? [];
  }

  /** Drops the connection and makes a new one, for instance to give up a command that waits. */
  reconnect(): void {
    this.client.disconnect(true);
  }

  close(): void {
    clearInterval(this.pings);
    this.client.disconnect();
  }

  /** Once for each new kind of trouble: a Redis that is away for an hour is one line, not thousands. */
  private report(error: Error): void {
    if (error.message === this.lastError) return;
    if (this.lastError === '') {
      this.options.logger.warn(
        { connection: this.options.name, err: shownError(error) },
        'redis does not answer; tasks go on through PostgreSQL',
      );
    }
    this.lastError = error.message;
  }
}

/**
 * What of an error of Redis belongs in a log. The error itself holds the command that failed: AUTH with its password, say.
 */
export function shownError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('not an error');
  const { name, message } = error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return Object.assign(new Error(message), { name, ...code });
}

/** Whether it is an address with a host: clients take an empty one, or a word, for a server on this machine. */
export function isRedisUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return ['redis:', 'rediss:'].includes(protocol) && hostname !== '';
}

/**
 * For rediss://: the certificate must be signed by an authority that Node.js knows (Amazon's are among them,
 * NODE_EXTRA_CA_CERTS adds others) and be made out for the host, which is also named to servers that have several.
 */
export function redisTls(url: string): Pick<RedisOptions, 'tls'> {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'rediss:') return {};
  // A server name made of digits is not allowed: RFC 6066, section 3.
  const host = hostname.replace(/^\[(.+)\]$/, '$1');
  return { tls: { rejectUnauthorized: true, ...(isIP(host) === 0 ? { servername: host } : {}) } };
}
