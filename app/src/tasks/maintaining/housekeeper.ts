import type { Acceptor } from '../accepting/acceptor';
import type { Backoff } from '../definition';
import type { Dispatcher, DispatchItem } from '../dispatching/dispatcher';
import { backoffSeconds } from '../finishing/backoff';
import { pause } from '../pause';
import type { TaskLogger, Transaction } from '../types';
import { Trouble } from './trouble';

/** What came of one step of a chore. */
export interface ChoreResult {
  /** Tasks that somebody may take now. */
  readonly dispatch?: readonly DispatchItem[];
  /** There is more of the same to do: go on at once instead of at the next time. */
  readonly more?: boolean;
}

/** Something that the ledger needs from time to time, in small steps; each is one short transaction. */
export interface Chore {
  /** Names its lock: only one process of the fleet does it at a time. */
  readonly name: string;
  readonly everySeconds: number;
  step(tx: Transaction): Promise<ChoreResult>;
}

export interface HousekeeperOptions {
  readonly acceptor: Pick<Acceptor, 'transaction'>;
  readonly dispatcher: Pick<Dispatcher, 'push'>;
  readonly logger: TaskLogger;
  /** Between steps that fail, however seldom the chore is done. @default 1 s, doubled up to 10 s */
  readonly backoff?: Required<Backoff>;
  /** How often trouble that lasts is told at most, in seconds. @default 60 */
  readonly tellEverySeconds?: number;
}

const LOCK = `select pg_try_advisory_xact_lock(hashtextextended('holdfast chore ' || $1, 0)) as ours`;
/** Short, because what waits for a chore when PostgreSQL is back should not wait for long. */
const BACKOFF = { firstSeconds: 1, factor: 2, maxSeconds: 10, jitter: 0.2 };
/** Who finds that another process is at a chore asks again after this at least: it may die in the middle. */
const OTHERS_SECONDS = 2;

/**
 * Keeps the ledger in order. Every worker runs one; an advisory lock makes one of them do each step, and nothing is lost
 * when it dies in the middle, because a step is one transaction and what it left undone is found by the next.
 */
export class Housekeeper {
  private readonly stopping = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly chores: readonly Chore[],
    private readonly options: HousekeeperOptions,
  ) {}

  start(): void {
    this.running ??= Promise.all(this.chores.map((chore) => this.keepDoing(chore)));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async keepDoing(chore: Chore): Promise<void> {
    const { signal } = this.stopping;
    const { logger, backoff = BACKOFF, tellEverySeconds } = this.options;
    const trouble = new Trouble(logger, { chore: chore.name }, tellEverySeconds);
    // Workers that are started together do not ask together.
    await pause(Math.random() * chore.everySeconds * 1000, signal);
    while (!signal.aborted) {
      let waitSeconds: number;
      try {
        waitSeconds = await this.step(chore);
        trouble.over();
      } catch (error) {
        waitSeconds = backoffSeconds(backoff, trouble.happened(error));
      }
      if (waitSeconds > 0) await pause(waitSeconds * 1000, signal);
    }
  }

  /** @returns seconds until the next one. */
  private async step(chore: Chore): Promise<number> {
    const { acceptor, dispatcher } = this.options;
    const result = await acceptor.transaction(async (tx): Promise<ChoreResult | undefined> => {
      const [lock] = (await tx.query<{ ours: boolean }>(LOCK, [chore.name])).rows;
      return lock?.ours === true ? chore.step(tx) : undefined;
    });
    if (result === undefined) return Math.max(chore.everySeconds, OTHERS_SECONDS);
    dispatcher.push(result.dispatch ?? []);
    return result.more === true ? 0 : chore.everySeconds;
  }
}
