import type { Client } from 'pg';
import { PLANNING } from '../ledger/ledger';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { RedisKeys } from '../lanes';
import type { Counters } from '../metrics';
import { monotonicMs, pause } from '../pause';
import type { TaskLogger } from '../types';
import type { Dispatcher } from './dispatcher';
import { QueueRelay, RELAY_STATEMENTS } from './queue-relay';
import type { RelayStatements } from './queue-relay';
import { shownError } from './redis-connection';
import type { RedisConnection } from './redis-connection';

/** How often the ledger is compared with Redis: the longest that a task waits which nobody else dispatched. */
export const LOOK_EVERY_MS = 1_000;
/** How often an overflowing lane's list is looked at in between. */
const REFILL_EVERY_MS = 20;
/** A leader that has not compared a queue with Redis for so long leaves it to others: Redis may be away for it alone. */
const CUT_OFF_MS = 5_000;
/** A frozen leader's session is ended by PostgreSQL after this, which passes its leadership on. */
const FROZEN_AFTER_MS = 15_000;

export interface RelayOptions {
  readonly ledger: Ledger;
  readonly redis: RedisConnection;
  readonly dispatcher: Dispatcher;
  readonly queues: readonly string[];
  readonly window: number;
  readonly counters: Counters;
  readonly logger: TaskLogger;
}

/**
 * Moves due tasks from the ledger to Redis and finds what Redis lost. Every worker runs one; a session-level advisory
 * lock a queue makes one of them its leader. Two leaders for a moment would only push duplicates.
 */
export class Relay {
  private readonly statements: RelayStatements = loadStatements(__dirname, 'relay.sql', RELAY_STATEMENTS);
  private readonly stopping = new AbortController();
  private readonly led = new Map<string, QueueRelay>();
  private readonly begun = new Set<string>();
  private session: Client | undefined;
  private lookedMs = -Infinity;
  private running: Promise<void> | undefined;

  constructor(private readonly options: RelayOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const began = monotonicMs();
      try {
        if (this.options.redis.ready) await this.look(began);
      } catch (error) {
        await this.recover(error);
      }
      if (monotonicMs() - this.lookedMs > CUT_OFF_MS) this.leave();
      await pause(LOOK_EVERY_MS - (monotonicMs() - began), signal);
    }
    await this.session?.end().catch(() => undefined);
  }

  /** One full look at every queue, then refills of those that overflow until the next look is due. */
  private async look(began: number): Promise<void> {
    const session = (this.session ??= await this.connect());
    await this.lead(session);
    for (const queue of this.led.values()) await queue.look(session);
    this.lookedMs = monotonicMs();
    const overflowing = [...this.led.values()].filter((queue) => queue.overflows);
    while (overflowing.length > 0 && !this.stopping.signal.aborted && monotonicMs() - began < LOOK_EVERY_MS) {
      await pause(REFILL_EVERY_MS, this.stopping.signal);
      for (const queue of overflowing) await queue.refill(session);
    }
  }

  private async connect(): Promise<Client> {
    const client = this.options.ledger.dedicated({
      application_name: 'holdfast relay',
      options: `-c idle_session_timeout=${FROZEN_AFTER_MS} ${PLANNING}`,
    });
    // The broken session is noticed by the next statement; unheard, its event would end the process.
    client.on('error', () => undefined);
    await client.connect();
    this.lookedMs = monotonicMs();
    return client;
  }

  private async lead(session: Client): Promise<void> {
    for (const queue of this.options.queues) {
      if (this.led.has(queue)) continue;
      const answer = await session.query<{ leads: boolean }>(this.statements.lead, [queue]);
      if (answer.rows[0]?.leads !== true) continue;
      const keys = new RedisKeys(await this.options.ledger.epoch());
      this.led.set(queue, new QueueRelay(queue, keys, this.statements, this.options, this.begun));
    }
  }

  private async recover(error: unknown): Promise<void> {
    this.options.logger.debug({ err: shownError(error) }, 'relay looks again in a second');
    // Redis trouble leaves the session as it is; when it was PostgreSQL, locks and leadership are gone with it.
    const alive = await this.session?.query('select 1').then(
      () => true,
      () => false,
    );
    if (alive !== true) this.leave();
  }

  /** The locks, and so the leadership, end with the session; nobody waits for one whose connection is silently dead. */
  private leave(): void {
    this.session?.end().catch(() => undefined);
    this.session = undefined;
    this.led.clear();
  }
}
