import type { ClaimedTask } from '../claiming/claimer';
import { AttemptAborted, NonRetryable } from '../errors';
import { NotWrittenError } from '../finishing/finisher';
import type { Ending } from '../finishing/finisher';
import { isUnstorable } from '../ledger/connection-errors';
import { monotonicMs, pause, within } from '../pause';
import type { TaskHandler, Transaction } from '../types';
import { Attempt } from './attempt';
import type { Outcome } from './attempt';
import { Changes } from './changes';
import { describe } from './describe';
import type { TaskEvents } from './events';
import { idsOf } from './ids-of';
import type { InHand } from './in-hand';
import { Reporter } from './report';
import { resultOf } from './result';
import { taskContext } from './task-context';
import type { ContextParts } from './task-context';
import { upgraded } from './upgrade';
import { reasonOf, verdictOf } from './verdict';

export interface RunnerOptions extends ContextParts {
  /** By name@version. */
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  readonly concurrency: number;
  readonly inHand: InHand;
  /** The handler of this task does not obey its signal. */
  onHung(task: ClaimedTask): void;
  readonly events: TaskEvents;
  /** Told of every attempt whose end is in the ledger, or that is no longer in hand. */
  onEnded(task: ClaimedTask): void;
}

/** A handler that has not obeyed its signal this long after its time limit is given up. */
const TIME_LIMIT_GRACE_MS = 5_000;
/** How exact time limits are. */
const LIMITS_EVERY_MS = 250;
/** How long a handler's own transactions may outlast it; they hold the row that its end has to be written to. */
const TRANSACTION_GRACE_MS = 5_000;
/** How long a task's end waits for its log lines. */
const LOG_GRACE_MS = 500;
const TRANSACTION_END_MS = 1_000;
/** Between tries to write an end that PostgreSQL refuses: a migration or an operator may have to mend something first. */
const FIRST_REFUSAL_MS = 1_000;
const LONGEST_REFUSAL_MS = 30_000;

const NOT_STORED = 'the attempt failed; what it failed with could not be stored';

/** Runs claimed tasks in slots: calls the handler, watches its time, writes its end. */
export class Runner {
  /** Handlers that have not returned, in slots and outside of them. */
  private busy = 0;
  /** Of them, suspects: in the slot of their own, beyond `concurrency`. */
  private alone = 0;
  /** Suspects whose end is neither in the ledger nor given up. */
  private openSuspects = 0;
  private readonly changes = new Changes();
  /** Attempts whose handlers have not returned, also those of which others have the tasks by now. */
  private readonly called = new Set<Attempt>();
  private readonly drained: ClaimedTask[] = [];
  private readonly stopping = new AbortController();
  /** Attempts whose outcome is known, and not yet in the ledger. */
  private unwritten = 0;
  private limitTimer: NodeJS.Timeout | undefined;

  private readonly reporter: Reporter;

  constructor(private readonly options: RunnerOptions) {
    this.reporter = new Reporter(options);
  }

  get concurrency(): number {
    return this.options.concurrency;
  }

  get running(): number {
    return this.busy;
  }

  /** Slots that are free: neither a handler runs in them nor a long tail of unwritten ends waits. */
  get free(): number {
    const { concurrency } = this.options;
    // Ends are written in batches while the next handlers run; past this the database is behind and more would pile up.
    return this.unwritten > concurrency * 4 + 100 ? 0 : concurrency - (this.busy - this.alone);
  }

  /**
   * The slot for suspects is free: one runs at a time, so that the next loss of this worker says which task it was. One
   * whose handler has returned and whose end is still on its way would be counted as lost with the next one.
   */
  get aloneFree(): boolean {
    return this.alone === 0 && this.openSuspects === 0;
  }

  /** Resolves as soon as something has changed: a slot came free, an end was written. */
  changed(): Promise<void> {
    return this.changes.next();
  }

  /** As `changed`, at most that long, or until one of the signals aborts. */
  changedWithin(milliseconds: number, signals?: readonly AbortSignal[]): Promise<void> {
    return this.changes.within(milliseconds, signals);
  }

  /** Wakes whoever waits for a change. */
  notify(): void {
    this.changes.notify();
  }

  start(task: ClaimedTask): void {
    const attempt = new Attempt(task);
    this.options.inHand.add(attempt);
    this.called.add(attempt);
    this.busy += 1;
    if (task.suspect) {
      this.alone += 1;
      this.openSuspects += 1;
    }
    this.limitTimer ??= setInterval(() => this.enforceLimits(), LIMITS_EVERY_MS);
    void this.run(attempt).finally(() => {
      if (task.suspect) this.openSuspects -= 1;
      this.options.onEnded(task);
      this.notify();
    });
  }

  /**
   * Aborts what still runs because the worker has to go, and waits a moment for the handlers to obey.
   * @returns the tasks that have to be given back.
   */
  async drain(graceMs: number): Promise<ClaimedTask[]> {
    const { inHand } = this.options;
    for (const attempt of inHand.all()) if (!attempt.finishing) attempt.abort('draining');
    const end = monotonicMs() + graceMs;
    while (inHand.size > 0 && monotonicMs() < end) await this.changedWithin(end - monotonicMs());
    clearInterval(this.limitTimer);
    this.stopping.abort();
    const unsettled = inHand.all();
    await Promise.all(unsettled.map((attempt) => this.endTransactions(attempt, 0)));
    return [...this.drained.splice(0), ...unsettled.map((attempt) => attempt.task)];
  }

  private async run(attempt: Attempt): Promise<void> {
    const { task } = attempt;
    const { handlers, inHand, logger } = this.options;
    const handler = handlers.get(`${task.name}@${task.version}`);
    void this.invoke(handler, attempt);
    let outcome = await attempt.outcome();
    attempt.finishing = true;
    this.unwritten += 1;
    try {
      if (attempt.transactions.size > 0) await this.endTransactions(attempt, TRANSACTION_GRACE_MS);
      const doubt = attempt.externals.any ? await attempt.externals.verdict(outcome.ok) : undefined;
      if (doubt !== undefined) outcome = { ok: false, error: doubt };
      if (await this.finish(attempt, handler, outcome)) inHand.remove(task);
    } catch (error) {
      // Neither its end nor its failure could be written: it is no longer in hand, so the ledger takes it back.
      logger.error({ ...idsOf(task), err: error }, 'the end of an attempt could not be written');
    } finally {
      this.unwritten -= 1;
      inHand.drop(task);
    }
  }

  private async invoke(handler: TaskHandler | undefined, attempt: Attempt): Promise<void> {
    try {
      if (handler === undefined) throw new Error(`no handler for ${attempt.task.name}@${attempt.task.version}`);
      const { version, payload } = attempt.task;
      const parsed = handler.definition.payload.safeParse(upgraded(handler.definition, version, payload));
      if (!parsed.success) throw new NonRetryable(`the payload does not fit its schema: ${parsed.error.message}`);
      const returned = await handler.run(taskContext(attempt, handler.definition, parsed.data, this.options));
      attempt.settle({ ok: true, result: resultOf(returned, handler.definition.result) });
    } catch (error) {
      attempt.settle({ ok: false, error });
    } finally {
      this.called.delete(attempt);
      this.busy -= 1;
      if (attempt.task.suspect) this.alone -= 1;
      this.notify();
    }
  }

  /** Aborts attempts past their time limit, and gives up those whose handler has not obeyed within the grace. */
  private enforceLimits(): void {
    const nowMs = monotonicMs();
    for (const attempt of this.called) {
      if (attempt.finishing || nowMs < attempt.limitMs) continue;
      attempt.abort('time-limit');
      if (nowMs < attempt.limitMs + TIME_LIMIT_GRACE_MS) continue;
      const message = 'handler does not obey its signal; its slot is lost until it returns';
      this.options.logger.error(idsOf(attempt.task), message);
      attempt.settle({ ok: false, error: new AttemptAborted('time-limit') });
      this.options.onHung(attempt.task);
    }
  }

  /** @returns whether the attempt's end is in the ledger, or the task no longer this attempt's. */
  private async finish(attempt: Attempt, handler: TaskHandler | undefined, outcome: Outcome): Promise<boolean> {
    const { task } = attempt;
    const { finisher, progress, logWriter } = this.options;
    if (progress.has(task)) await progress.flush();
    // Whoever sees the end should see the log; it is no reason to be late with the end.
    if (logWriter.has(task)) await within(LOG_GRACE_MS, logWriter.flush());
    if (!outcome.ok) return this.fail(attempt, handler, outcome.error);
    const { effects } = attempt;
    const { result } = outcome;
    const write = async (tx: Transaction): Promise<void> => {
      for (const effect of effects) await effect(tx);
    };
    try {
      const ending = await this.insist(task, () =>
        effects.length === 0
          ? finisher.done(task, result).catch(notWritten).catch(refusalOf(result))
          : finisher.doneWithEffects(task, write, result).catch(refusalOf(result)),
      );
      if (ending === undefined) return false;
      this.reporter.report(attempt, ending);
      return true;
    } catch (error) {
      // The effects failed: the transaction that would have completed the task was rolled back with them.
      return this.fail(attempt, handler, error);
    }
  }

  /**
   * Tries again for as long as PostgreSQL refuses to write an end: that is no failure of the task, whose work is done.
   * @returns undefined when the worker stops before; the task is then given back.
   */
  private async insist(task: ClaimedTask, write: () => Promise<Ending>): Promise<Ending | undefined> {
    const { signal } = this.stopping;
    for (let waitMs = FIRST_REFUSAL_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_REFUSAL_MS)) {
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof NotWrittenError)) throw error;
        this.options.logger.error({ ...idsOf(task), err: error }, 'PostgreSQL refuses the end of an attempt');
      }
      await pause(waitMs, signal);
      if (signal.aborted) return undefined;
    }
  }

  /** Waits for what the handler left running, and ends it after the grace: it would block the attempt's own end. */
  private async endTransactions(attempt: Attempt, graceMs: number): Promise<void> {
    const { transactions, task } = attempt;
    if (graceMs > 0) await within(graceMs, Promise.allSettled(transactions.keys()));
    attempt.closed = true;
    if (transactions.size === 0) return;
    this.options.logger.warn(idsOf(task), 'a transaction of the handler outlasted it and is rolled back');
    const holders = [...transactions.values()].flatMap(({ holder }) => (holder === undefined ? [] : [holder]));
    const ended = holders.map((holder) => this.options.finisher.endTransaction(holder));
    await within(TRANSACTION_END_MS, Promise.allSettled([...ended, ...transactions.keys()]));
  }

  private async fail(attempt: Attempt, handler: TaskHandler | undefined, thrown: unknown): Promise<boolean> {
    const { task, abortion } = attempt;
    // Not the task's fault: it goes back uncounted, or others have it already.
    if (abortion?.reason === 'draining') this.drained.push(task);
    if (abortion?.reason === 'draining' || abortion?.reason === 'lease-lost') {
      this.options.logger.info({ ...idsOf(task), reason: abortion.reason }, 'attempt left to another worker');
      return false;
    }
    const { finisher, logger } = this.options;
    const onBadPolicy = (policyError: unknown): void => {
      logger.error({ ...idsOf(task), err: policyError }, 'retryIf of the definition threw; it counts as true');
    };
    const failed = { thrown, abortion, definition: handler?.definition, failures: failuresOf(task), onBadPolicy };
    const failure = { task, ...verdictOf(failed) };
    const ending = await finisher.failed(failure).catch((refusal: unknown) => {
      logger.error({ ...idsOf(task), err: refusal }, 'PostgreSQL refuses to store how an attempt failed');
      return this.insist(task, () => finisher.failed({ ...failure, error: NOT_STORED }).catch(notWritten));
    });
    if (ending === undefined) return false;
    this.reporter.report(attempt, ending, reasonOf(failed));
    return true;
  }
}

/** Repeating does not help when it is the result that PostgreSQL refuses: JSON that is nested too deeply, say. */
function refusalOf(result: string | undefined): (error: unknown) => never {
  return (error) => {
    if (result === undefined || !(error instanceof NotWrittenError) || !isUnstorable(error.cause)) throw error;
    throw new NonRetryable(`PostgreSQL does not store the result: ${describe(error.cause)}`, { cause: error.cause });
  };
}

/** Failed attempts of the budget that this one belongs to, with it: after a retry by hand the backoff starts anew. */
function failuresOf({ attempt, maxAttempts, budget }: ClaimedTask): number {
  return Math.max(1, attempt - Math.max(0, maxAttempts - budget));
}

function notWritten(error: unknown): never {
  throw new NotWrittenError(error);
}
