import { setTimeout as sleep } from 'node:timers/promises';
import { Batcher } from '../batcher';
import type { ClaimedTask } from '../claiming/claimer';
import type { DispatchItem } from '../dispatching/dispatcher';
import { CommitUnknownError, Snooze } from '../errors';
import { idArray } from '../lanes';
import { isDataError, isDiskFull, isTransient } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import type { Counters } from '../metrics';
import { monotonicMs } from '../pause';
import { describe } from '../running/describe';
import { idsOf } from '../running/ids-of';
import type { InHand } from '../running/in-hand';
import type { TaskLogger, Transaction } from '../types';

/** How an attempt ended in the ledger. `fenced-off`: the task is no longer ours, so nothing was written. */
export type Ending = 'done' | 'queued' | 'dead' | 'cancelled' | 'parked' | 'fenced-off';

/**
 * What an attempt that did not succeed asks for. `retry`: again, or dead once the budget is spent; `snoozed`: again later,
 * uncounted; `cancelled`: never again, and nobody is alarmed; `parked`: a person must decide.
 */
export type Verdict = 'retry' | 'dead' | 'cancelled' | 'parked' | 'snoozed';

export interface Failure {
  readonly task: ClaimedTask;
  readonly verdict: Verdict;
  readonly error: string;
  /** Why it is dead when the verdict is `dead`; of those whose budget is spent the ledger says so itself. */
  readonly deadReason: string | undefined;
  /** Seconds until the next attempt. */
  readonly delaySeconds: number;
}

/** A task and the JSON that its handler returned. */
interface DoneWithResult {
  readonly task: ClaimedTask;
  readonly result: string;
}

/** What became of a task that was given back: queued again, or cancelled when that was asked for. */
export interface GivenBackRow extends DispatchItem {
  readonly state: 'queued' | 'cancelled';
}

/** What became of one item of a batch. `held`: somebody else has locked the row, so nothing is known yet. */
type Written = { readonly ending: Ending | 'held' } | { readonly error: unknown };

/** A transaction that holds a task's row. */
export interface Holder {
  readonly pid: number;
  readonly beganAt: string;
}

export const FINISH_STATEMENTS = [
  'done',
  'done_with_results',
  'done_one',
  'outcome',
  'failed',
  'given_back',
  'progress',
  'holds_fence',
  'end_transaction',
] as const;

interface FencedRow {
  id: string;
  fence: number;
}

const ENDED: ReadonlySet<Ending> = new Set(['done', 'dead', 'cancelled']);
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;
const END_LIMIT = { timeoutMs: 2_000 };
/** A batch is written again on another connection after this: behind a connection that is silently dead all ends would wait. */
const BATCH_LIMIT = { timeoutMs: 3_000 };
/** Past this many tries, over a second and a half, it is not bad luck: the attempt fails and its backoff gives others room. */
const MOST_TRIES_OF_EFFECTS = 6;
/** A full disk is waited for so long, then the attempt ends uncounted: its end keeps others waiting, and its time limit nears. */
const LONGEST_FULL_MS = 15_000;
const AFTER_FULL_SECONDS = 15;

/**
 * Writes how attempts end. While PostgreSQL does not answer, the same is written again until it does: the fence makes
 * repeating harmless, and an answer that was lost is found by reading (id, fence).
 */
export class Finisher {
  private readonly sql = loadStatements(__dirname, 'finish.sql', FINISH_STATEMENTS);
  private readonly doneBatch: Batcher<ClaimedTask, Written>;
  private readonly resultBatch: Batcher<DoneWithResult, Written>;
  private readonly failedBatch: Batcher<Failure, Written>;

  constructor(
    private readonly ledger: Ledger,
    /** Runs a transaction and dispatches what was accepted in it. */
    private readonly transaction: <T>(fn: (tx: Transaction) => Promise<T>) => Promise<T>,
    private readonly inHand: InHand,
    private readonly counters: Counters,
    private readonly logger: TaskLogger,
    /** Told of every task that has ended, after the commit. */
    private readonly onEnded: (id: string) => void = () => undefined,
  ) {
    const limits = { maxItems: 500, parallel: 1 };
    this.doneBatch = new Batcher((tasks) => this.each(tasks, (some) => this.writeDone(some)), limits);
    this.resultBatch = new Batcher((some) => this.each(some, (items) => this.writeResults(items)), limits);
    this.failedBatch = new Batcher((failures) => this.each(failures, (some) => this.writeFailed(some)), limits);
  }

  /** @throws what PostgreSQL refuses it for; that says nothing about the task, which is still running. */
  async done(task: ClaimedTask, result?: string): Promise<Ending> {
    const written =
      result === undefined
        ? this.writeAlone(this.doneBatch, task)
        : this.writeAlone(this.resultBatch, { task, result });
    return this.count(task, await written);
  }

  /**
   * Completes the task and writes its effects in one transaction, the fenced update first.
   * @throws what `effects` throws, when trying again would not help or did not; the task is then still running.
   * @throws NotWrittenError when PostgreSQL refuses for a reason that has nothing to do with the effects.
   * @throws Snooze when the disk has been full for the effects for 15 s.
   */
  async doneWithEffects(
    task: ClaimedTask,
    effects: (tx: Transaction) => Promise<void>,
    result?: string,
  ): Promise<Ending> {
    let tries = 0;
    let fullSinceMs = Infinity;
    const ending = await this.persist(async (repeated): Promise<Ending> => {
      if (repeated && (await this.outcome(task)) === 'done') return 'done';
      const fence = { held: true, begun: false };
      try {
        await this.transaction(async (tx) => {
          const fenced = await tx.query(this.sql.done_one, [task.id, task.fence, result ?? null]);
          fence.held = fenced.rowCount === 1;
          if (!fence.held) throw new FencedOff();
          fence.begun = true;
          await effects(tx);
        });
        return 'done';
      } catch (error) {
        // Effects may throw the refusal of some other attempt: only the fenced update tells of this one. And only what
        // began counts as a try: while PostgreSQL is away, nothing does.
        if (fence.begun && isDiskFull(error)) {
          fullSinceMs = Math.min(fullSinceMs, monotonicMs());
          if (monotonicMs() - fullSinceMs > LONGEST_FULL_MS) throw this.putOff(task, error);
        } else if (fence.begun) tries += 1;
        if (fence.held && tries >= MOST_TRIES_OF_EFFECTS) throw new EffectsGivenUp(tries, error);
        if (fence.held) throw fence.begun || isRepeatable(error) ? error : new NotWrittenError(error);
        const outcome = await this.outcome(task);
        // Also by our own COMMIT whose answer was lost and that is still under way.
        if (outcome === 'running') throw new RowHeldError();
        return repeated && outcome === 'done' ? 'done' : 'fenced-off';
      }
    });
    return this.count(task, ending);
  }

  private putOff(task: ClaimedTask, error: unknown): Snooze {
    const message = "PostgreSQL's disk is full for what a task writes; the task begins again later, uncounted";
    this.logger.warn({ ...idsOf(task), err: error }, message);
    return new Snooze(AFTER_FULL_SECONDS);
  }

  async failed(failure: Failure): Promise<Ending> {
    return this.count(failure.task, await this.writeAlone(this.failedBatch, failure));
  }

  /** Queues the tasks again, uncounted, and returns those that were still ours and are to be dispatched. One try: the lease covers the rest. */
  async giveBack(tasks: readonly ClaimedTask[]): Promise<DispatchItem[]> {
    if (tasks.length === 0) return [];
    const answer = await this.ledger.query<GivenBackRow>(this.sql.given_back, keysOf(tasks));
    this.counters.givenBack += answer.rows.length;
    return queuedAgain(answer.rows);
  }

  /** Writes the latest progress of running tasks. */
  async progress(values: readonly { readonly task: ClaimedTask; readonly json: string }[]): Promise<void> {
    try {
      await this.ledger.query(this.sql.progress, [
        ...keysOf(values.map(({ task }) => task)),
        values.map(({ json }) => json),
      ]);
    } catch (error) {
      // JSON may hold what PostgreSQL does not take (U+0000); the others' progress has nothing to do with it.
      if (values.length === 1 || !isDataError(error)) throw error;
      const half = values.length >> 1;
      const halves = [values.slice(0, half), values.slice(half)].map((some) => this.progress(some));
      const failed = (await Promise.allSettled(halves)).find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    }
  }

  /** A handler's own transaction, rolled back when the task is no longer ours at its beginning. */
  async holdFence(tx: Transaction, task: ClaimedTask): Promise<Holder> {
    const held = await tx.query<Holder>(this.sql.holds_fence, [task.id, task.fence]);
    const holder = held.rows[0];
    if (holder === undefined) throw new FencedOff();
    return holder;
  }

  /** Ends a handler's transaction from outside: what it does is rolled back, and its connection is gone. */
  async endTransaction({ pid, beganAt }: Holder): Promise<void> {
    await this.ledger.query(this.sql.end_transaction, [pid, beganAt], END_LIMIT);
  }

  private async writeDone(tasks: readonly ClaimedTask[]): Promise<(Ending | 'held')[]> {
    const claims = this.inHand.takeEndedClaims();
    const answer = await this.ledger.prepared('done', this.sql.done, [...keysOf(tasks), idArray(claims)], BATCH_LIMIT);
    return this.endingsOf(tasks, answer.rowCount);
  }

  private async writeResults(items: readonly DoneWithResult[]): Promise<(Ending | 'held')[]> {
    const tasks = items.map(({ task }) => task);
    const claims = this.inHand.takeEndedClaims();
    const values = [...keysOf(tasks), idArray(claims), items.map(({ result }) => result)];
    const answer = await this.ledger.prepared('done_with_results', this.sql.done_with_results, values, BATCH_LIMIT);
    return this.endingsOf(tasks, answer.rowCount);
  }

  private async endingsOf(tasks: readonly ClaimedTask[], written: number | null): Promise<(Ending | 'held')[]> {
    if (written === tasks.length) return tasks.map(() => 'done');
    const outcomes = await this.outcomes(tasks);
    return tasks.map((task) => {
      const outcome = outcomes.get(keyOf(task));
      return outcome === 'done' ? 'done' : outcome === 'running' ? 'held' : 'fenced-off';
    });
  }

  /** Of those attempts that are still the last of their tasks. */
  private async outcomes(tasks: readonly FencedRow[]): Promise<Map<string, 'done' | 'running'>> {
    const { rows } = await this.ledger.query<FencedRow & { state: 'done' | 'running' }>(
      this.sql.outcome,
      keysOf(tasks),
      BATCH_LIMIT,
    );
    return new Map(rows.map((row) => [keyOf(row), row.state]));
  }

  private async outcome(task: ClaimedTask): Promise<'done' | 'running' | undefined> {
    return (await this.outcomes([task])).get(keyOf(task));
  }

  private async writeFailed(failures: readonly Failure[]): Promise<(Ending | 'held')[]> {
    const values = [
      ...keysOf(failures.map(({ task }) => task)),
      failures.map(({ verdict }) => verdict),
      failures.map(({ error }) => error),
      failures.map(({ deadReason }) => deadReason ?? null),
      failures.map(({ delaySeconds }) => delaySeconds),
    ];
    const answer = await this.ledger.query<FencedRow & { state: Ending }>(this.sql.failed, values, BATCH_LIMIT);
    const states = new Map(answer.rows.map((row) => [keyOf(row), row.state]));
    const left = failures.filter(({ task }) => !states.has(keyOf(task))).map(({ task }) => task);
    const outcomes = left.length === 0 ? new Map<string, string>() : await this.outcomes(left);
    return failures.map(({ task }) => {
      const key = keyOf(task);
      return states.get(key) ?? (outcomes.get(key) === 'running' ? 'held' : 'fenced-off');
    });
  }

  /** An item that somebody holds goes into a later batch, again and again; the others need not wait for it. */
  private async writeAlone<Item>(batch: Batcher<Item, Written>, item: Item): Promise<Ending> {
    for (let tries = 0; ; tries += 1) {
      const written = await batch.add(item);
      if ('error' in written) throw written.error;
      if (written.ending !== 'held') return written.ending;
      await sleep(retryMs(tries));
    }
  }

  /** One statement for all; when PostgreSQL refuses it, the batch is halved until only what is at fault fails. */
  private async each<Item>(
    items: readonly Item[],
    write: (items: readonly Item[]) => Promise<(Ending | 'held')[]>,
  ): Promise<Written[]> {
    try {
      return (await this.persist(() => write(items))).map((ending) => ({ ending }));
    } catch (error) {
      if (items.length === 1) return [{ error }];
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
        if (error instanceof EffectsGivenUp || !isRepeatable(error)) throw error;
        this.logger.debug({ err: error, tries }, 'the end of an attempt was not written; trying again');
        await sleep(retryMs(tries));
      }
    }
  }

  private count({ id }: ClaimedTask, ending: Ending): Ending {
    if (ENDED.has(ending)) this.onEnded(id);
    if (ending === 'done') this.counters.done += 1;
    else if (ending === 'fenced-off') this.counters.fencedOff += 1;
    else this.counters.failedAttempts += 1;
    if (ending === 'dead') this.counters.dead += 1;
    return ending;
  }
}

/** Of tasks that were given back, those that somebody may take. */
export function queuedAgain(rows: readonly GivenBackRow[]): DispatchItem[] {
  return rows.filter((row) => row.state === 'queued').map(({ id, queue, priority }) => ({ id, queue, priority }));
}

/** The task went to another worker; thrown inside a transaction to roll it back. Says nothing about other attempts. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff';
  constructor() {
    super('the task is no longer this attempt’s: another worker may be running it');
  }
}

/** PostgreSQL refused to write an attempt's end, for no fault of the task. */
export class NotWrittenError extends Error {
  override readonly name = 'NotWrittenError';
  constructor(cause: unknown) {
    super(`the end of the attempt was not written: ${describe(cause)}`, { cause });
  }
}

/** Somebody else has locked the task's row. */
class RowHeldError extends Error {
  override readonly name = 'RowHeldError';
}

/** The completing transaction began that often and never came through. */
class EffectsGivenUp extends Error {
  override readonly name = 'EffectsGivenUp';
  constructor(tries: number, cause: unknown) {
    super(`effects failed ${tries} times: ${describe(cause)}`, { cause });
  }
}

function isRepeatable(error: unknown): boolean {
  return isTransient(error) || error instanceof CommitUnknownError || error instanceof RowHeldError;
}

function retryMs(tries: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** tries, LONGEST_RETRY_MS);
}

function keyOf(row: FencedRow): string {
  return `${row.id}:${row.fence}`;
}

function keysOf(tasks: readonly FencedRow[]): [ids: string, fences: string] {
  return [idArray(tasks.map((task) => task.id)), idArray(tasks.map((task) => task.fence))];
}
