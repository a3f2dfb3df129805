import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { redisTls } from '../tasks';

/** Longer than any answer of a Redis that is well; a reader is not made to wait longer for one that is not. */
const ANSWER_MS = 150;
/** How long no reader asks a Redis again that did not answer. */
const REST_MS = 1_000;
/** How long a writer waits: until then readers could be shown what he has changed. */
const WRITE_ANSWER_MS = 2_000;
const TRY_AGAIN_MS = 50;

/** The cache's Redis could not be asked; whoever asks does without. */
export class CacheAwayError extends Error {
  override readonly name = 'CacheAwayError';
}

/**
 * The connections to the cache's Redis: one for readers, which fails fast (at once while it is not connected, after
 * ANSWER_MS when the server hangs, and then at once for REST_MS), and one for what must arrive, which is neither given
 * up so soon nor has to queue behind the readers.
 */
export class CacheStore {
  private readonly client: Redis;
  private readonly writer: Redis;
  private readonly onBack: (() => void)[] = [];
  private restUntil = 0;
  private away = false;

  constructor(
    url: string,
    private readonly logger: Pick<Logger, 'warn' | 'info'>,
  ) {
    this.client = connect(url, 'cache', ANSWER_MS);
    this.client.on('error', () => this.noteAway());
    this.client.on('ready', () => this.noteBack());
    this.writer = connect(url, 'cache-writes', WRITE_ANSWER_MS);
    // Said by the readers' connection.
    this.writer.on('error', () => undefined);
    this.writer.on('ready', () => this.onBack.forEach((listener) => listener()));
  }

  /** @throws CacheAwayError */
  get(keys: readonly string[]): Promise<(string | null)[]> {
    return this.ask(() => this.client.mget(...keys));
  }

  /** @throws CacheAwayError */
  async set(key: string, value: string, seconds: number): Promise<void> {
    await this.ask(() => this.client.set(key, value, 'EX', seconds));
  }

  /** Whether the key was free and is now set. @throws CacheAwayError */
  async setIfFree(key: string, value: string, seconds: number): Promise<boolean> {
    return (await this.ask(() => this.client.set(key, value, 'EX', seconds, 'NX'))) === 'OK';
  }

  /** @throws CacheAwayError */
  async delete(key: string): Promise<void> {
    await this.ask(() => this.client.del(key));
  }

  /**
   * As `set`, for what others would be misled without. Not before WRITE_ANSWER_MS it gives up.
   * @param value a new one for each try: one that arrives late must not bring back what has been replaced since
   * @throws CacheAwayError
   */
  async mustSet(key: string, value: () => string, seconds: number): Promise<void> {
    const end = performance.now() + WRITE_ANSWER_MS;
    for (;;) {
      try {
        if (this.writer.status !== 'ready') throw new Error('the cache is not connected');
        await this.writer.set(key, value(), 'EX', seconds);
        return;
      } catch (error) {
        // One that has been away for longer is waited for in the background.
        const hopeless = this.writer.status !== 'ready' && this.away;
        if (hopeless || performance.now() > end) throw awayError(error);
        await sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Calls `listener` whenever writes can arrive again. */
  whenBack(listener: () => void): void {
    this.onBack.push(listener);
  }

  close(): void {
    this.client.disconnect();
    this.writer.disconnect();
  }

  private async ask<T>(command: () => Promise<T>): Promise<T> {
    if (this.client.status !== 'ready') throw new CacheAwayError('the cache is not connected');
    if (performance.now() < this.restUntil) throw new CacheAwayError('the cache did not answer a moment ago');
    try {
      const answer = await command();
      if (this.away) this.noteBack();
      return answer;
    } catch (error) {
      this.restUntil = performance.now() + REST_MS;
      this.noteAway();
      throw awayError(error);
    }
  }

  private noteAway(): void {
    if (!this.away) this.logger.warn('the cache does not answer; pages are computed for every request');
    this.away = true;
  }

  private noteBack(): void {
    if (this.away) this.logger.info('the cache is back');
    this.away = false;
  }
}

function connect(url: string, name: string, answerMs: number): Redis {
  return new Redis(url, {
    ...redisTls(url),
    connectionName: `holdfast-${name}`,
    connectTimeout: 2_000,
    // A server that is silent for so long is gone, and its connection with it.
    socketTimeout: 2_000,
    commandTimeout: answerMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
  });
}

/** Without the cause: an error of Redis holds the command that failed, AUTH with its password for example. */
function awayError(error: unknown): CacheAwayError {
  return new CacheAwayError(error instanceof Error ? error.message : 'the cache failed');
}
