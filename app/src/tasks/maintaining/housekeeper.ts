import type { Acceptor } from '../accepting/acceptor';
import type { Dispatcher, DispatchItem } from '../dispatching/dispatcher';
import { pause } from '../pause';
import type { TaskLogger, Transaction } from '../types';

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
}

const LOCK = `select pg_try_advisory_xact_lock(hashtextextended('holdfast chore ' || $1, 0)) as ours`;

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
    while (!signal.aborted) {
      let more = false;
      try {
        more = await this.step(chore);
      } catch (error) {
        this.options.logger.debug({ err: error, chore: chore.name }, 'a step of housekeeping failed; trying again');
      }
      if (!more) await pause(chore.everySeconds * 1000, signal);
    }
  }

  private async step(chore: Chore): Promise<boolean> {
    const { acceptor, dispatcher } = this.options;
    const result = await acceptor.transaction(async (tx): Promise<ChoreResult> => {
      const [lock] = (await tx.query<{ ours: boolean }>(LOCK, [chore.name])).rows;
      return lock?.ours === true ? chore.step(tx) : {};
    });
    dispatcher.push(result.dispatch ?? []);
    return result.more === true;
  }
}
