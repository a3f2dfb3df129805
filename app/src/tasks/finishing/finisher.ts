import { setTimeout as sleep } from 'node:timers/promises';
import { Batcher } from '../batcher';
import type { ClaimedTask } from '../claiming/claimer';
import type { DispatchItem } from '../dispatching/dispatcher';
import { CommitUnknownError } from '../errors';
import { idArray } from '../lanes';
import { isDataError, isTransient } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import type { InHand } from '../running/in-hand';
import type { TaskLogger, Transaction } from '../types';

/** How an attempt ended in the ledger. `fenced-off`: the task is no longer ours, so nothing was written. */
export type Ending = 'done' | 'queued' | 'dead' | 'fenced-off';

export interface Failure {
  readonly task: ClaimedTask;
  readonly error: string;
  /** Set: the task is dead at once, whatever is left of its budget. */
  readonly deadReason: string | undefined;
  /** Seconds until the next attempt. */
  readonly delaySeconds: number;
}

/** What became of one item of a batch. */
type Written = { readonly ending: Ending } | { readonly error: unknown };

interface FencedRow {
  id: string;
  fence: number;
}

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
/** Past this many tries, over a second and a half, it is not bad luck: the attempt fails and its backoff gives others room. */
const MOST_TRIES_OF_EFFECTS = 6;

/**
 * Writes how attempts end. While PostgreSQL does not answer, the same is written again until it does: the fence makes
 * repeating harmless, and an answer that was lost is found by reading (id, fence).
 */
export class Finisher {
  private readonly sql = loadStatements(__dirname, 'finish.sql', [
    'done',
    'done_one',
    'already_done',
    'failed',
    'given_back',
    'progress',
    'holds_fence',
  ]);
  private readonly doneBatch: Batcher<ClaimedTask, Written>;
  private readonly failedBatch: Batcher<Failure, Written>;

  constructor(
    private readonly ledger: Ledger,
    /** Runs a transaction and dispatches what was accepted in it. */
    private readonly transaction: <T>(fn: (tx: Transaction) => Promise<T>) => Promise<T>,
    private readonly inHand: InHand,
    private readonly counters: Counters,
    private readonly logger: TaskLogger,
  ) {
    const limits = { maxItems: 500, parallel: 1 };
    this.doneBatch = new Batcher((tasks) => this.each(tasks, (some) => this.writeDone(some)), limits);
    this.failedBatch = new Batcher((failures) => this.each(failures, (some) => this.writeFailed(some)), limits);
  }

  /** Attempts whose end is being written. */
  get size(): number {
    return this.doneBatch.size + this.failedBatch.size;
  }

  async done(task: ClaimedTask): Promise<Ending> {
    return this.count(endingOf(await this.doneBatch.add(task)));
  }

  /**
   * Completes the task and writes its effects in one transaction, the fenced update first.
   * @throws what `effects` throws, when trying again would not help or did not; the task is then still running.
   */
  async doneWithEffects(task: ClaimedTask, effects: (tx: Transaction) => Promise<void>): Promise<Ending> {
    let tries = 0;
    const ending = await this.persist(async (repeated): Promise<Ending> => {
      if (repeated && (await this.alreadyDone([task])).size > 0) return 'done';
      const fence = { held: true };
      try {
        await this.transaction(async (tx) => {
          const fenced = await tx.query(this.sql.done_one, [task.id, task.fence]);
          fence.held = fenced.rowCount === 1;
          if (!fence.held) throw new FencedOff();
          tries += 1;
          await effects(tx);
        });
        return 'done';
      } catch (error) {
        // Effects may throw the refusal of some other attempt: only the fenced update tells of this one. And only what
        // began counts as a try: while PostgreSQL is away, nothing does.
        if (fence.held && tries >= MOST_TRIES_OF_EFFECTS) throw new EffectsGivenUp(tries, error);
        if (fence.held) throw error;
        // The COMMIT whose answer was lost may have come through only now: the fenced update waited for it.
        return repeated && (await this.alreadyDone([task])).size > 0 ? 'done' : 'fenced-off';
      }
    });
    return this.count(ending);
  }

  async failed(failure: Failure): Promise<Ending> {
    return this.count(endingOf(await this.failedBatch.add(failure)));
  }

  /** Queues the tasks again, uncounted, and returns those that were still ours. One try: the lease covers the rest. */
  async giveBack(tasks: readonly ClaimedTask[]): Promise<DispatchItem[]> {
    if (tasks.length === 0) return [];
    const answer = await this.ledger.query<DispatchItem>(this.sql.given_back, keysOf(tasks));
    this.counters.givenBack += answer.rows.length;
    return answer.rows.map(({ id, queue, priority }) => ({ id, queue, priority }));
  }

  /** Writes the latest progress of running tasks. */
  async progress(values: readonly { readonly task: ClaimedTask; readonly json: string }[]): Promise<void> {
    await this.ledger.query(this.sql.progress, [
      ...keysOf(values.map(({ task }) => task)),
      values.map(({ json }) => json),
    ]);
  }

  /** A handler's own transaction, rolled back when the task is no longer ours at its beginning. */
  async holdFence(tx: Transaction, task: ClaimedTask): Promise<void> {
    const held = await tx.query(this.sql.holds_fence, [task.id, task.fence]);
    if (held.rowCount !== 1) throw new FencedOff();
  }

  private async writeDone(tasks: readonly ClaimedTask[]): Promise<Ending[]> {
    const claims = this.inHand.takeEndedClaims();
    const answer = await this.ledger.prepared('done', this.sql.done, [...keysOf(tasks), idArray(claims)]);
    if (answer.rowCount === tasks.length) return tasks.map(() => 'done');
    const done = await this.alreadyDone(tasks);
    return tasks.map((task) => (done.has(keyOf(task)) ? 'done' : 'fenced-off'));
  }

  private async alreadyDone(tasks: readonly ClaimedTask[]): Promise<Set<string>> {
    return keySet((await this.ledger.query<FencedRow>(this.sql.already_done, keysOf(tasks))).rows);
  }

  private async writeFailed(failures: readonly Failure[]): Promise<Ending[]> {
    const answer = await this.ledger.query<FencedRow & { state: 'queued' | 'dead' }>(this.sql.failed, [
      ...keysOf(failures.map(({ task }) => task)),
      failures.map(({ error }) => error),
      failures.map(({ deadReason }) => deadReason ?? null),
      failures.map(({ delaySeconds }) => delaySeconds),
    ]);
    const states = new Map(answer.rows.map((row) => [keyOf(row), row.state]));
    return failures.map(({ task }) => states.get(keyOf(task)) ?? 'fenced-off');
  }

  /** One statement for all; when a row's data is at fault the batch is halved until only that one fails. */
  private async each<Item>(
    items: readonly Item[],
    write: (items: readonly Item[]) => Promise<Ending[]>,
  ): Promise<Written[]> {
    try {
      return (await this.persist(() => write(items))).map((ending) => ({ ending }));
    } catch (error) {
      if (items.length === 1 || !isDataError(error)) return items.map(() => ({ error }));
      const half = items.length >> 1;
      return [...(await this.each(items.slice(0, half), write)), ...(await this.each(items.slice(half), write))];
    }
  }

  /** Repeats `write` until PostgreSQL takes it or refuses it for a reason that repeating does not mend. */
  private async persist<T>(write: (repeated: boolean) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await write(tries > 0);
      } catch (error) {
        if (error instanceof EffectsGivenUp) throw error;
        if (!isTransient(error) && !(error instanceof CommitUnknownError)) throw error;
        this.logger.debug({ err: error, tries }, 'the end of an attempt was not written; trying again');
        await sleep(Math.min(FIRST_RETRY_MS * 2 ** tries, LONGEST_RETRY_MS));
      }
    }
  }

  private count(ending: Ending): Ending {
    if (ending === 'done') this.counters.done += 1;
    else if (ending === 'fenced-off') this.counters.fencedOff += 1;
    else this.counters.failedAttempts += 1;
    if (ending === 'dead') this.counters.dead += 1;
    return ending;
  }
}

/** The task went to another worker; thrown inside a transaction to roll it back. Says nothing about other attempts. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff';
  constructor() {
    super('the task is no longer this attempt’s: another worker may be running it');
  }
}

/** The completing transaction began that often and never came through. */
class EffectsGivenUp extends Error {
  override readonly name = 'EffectsGivenUp';
  constructor(tries: number, cause: unknown) {
    super(`effects failed ${tries} times: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function endingOf(written: Written): Ending {
  if ('error' in written) throw written.error;
  return written.ending;
}

function keyOf(row: FencedRow): string {
  return `${row.id}:${row.fence}`;
}

function keySet(rows: readonly FencedRow[]): Set<string> {
  return new Set(rows.map(keyOf));
}

function keysOf(tasks: readonly FencedRow[]): [ids: string, fences: string] {
  return [idArray(tasks.map((task) => task.id)), idArray(tasks.map((task) => task.fence))];
}
