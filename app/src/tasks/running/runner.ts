import type { ClaimedTask } from '../claiming/claimer';
import { AttemptAborted, NonRetryable } from '../errors';
import type { Acceptor } from '../accepting/acceptor';
import { backoffSeconds } from '../finishing/backoff';
import { FencedOff } from '../finishing/finisher';
import type { Ending, Finisher } from '../finishing/finisher';
import { pause } from '../pause';
import type { TaskContext, TaskHandler, TaskLogger, Transaction } from '../types';
import { childLogger } from './child-logger';
import type { Attempt, InHand } from './in-hand';
import type { ProgressWriter } from './progress-writer';

export interface RunnerOptions {
  /** By name@version. */
  readonly handlers: ReadonlyMap<string, TaskHandler>;
  readonly concurrency: number;
  readonly inHand: InHand;
  readonly finisher: Finisher;
  readonly acceptor: Acceptor;
  readonly progress: ProgressWriter;
  readonly logger: TaskLogger;
}

/** A handler that has not obeyed its signal this long after its time limit is given up. */
const TIME_LIMIT_GRACE_MS = 5_000;
const MAX_ERROR_LENGTH = 4_000;

type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Runs claimed tasks in slots: calls the handler, watches its time, writes its end. */
export class Runner {
  /** Handlers that have not returned. */
  private busy = 0;
  private readonly watchers = new Set<() => void>();
  private readonly drained: ClaimedTask[] = [];

  constructor(private readonly options: RunnerOptions) {}

  get concurrency(): number {
    return this.options.concurrency;
  }

  get running(): number {
    return this.busy;
  }

  /** Slots that are free: neither a handler runs in them nor a long tail of unwritten ends waits. */
  get free(): number {
    const { concurrency, finisher } = this.options;
    // Ends are written in batches while the next handlers run; past this the database is behind and more would pile up.
    return finisher.size > concurrency * 4 + 100 ? 0 : concurrency - this.busy;
  }

  /** Resolves as soon as something has changed: a slot came free, an end was written. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.watchers.add(resolve));
  }

  /**
   * Aborts what still runs because the worker has to go, and waits a moment for the handlers to obey.
   * @returns the tasks that have to be given back.
   */
  async drain(graceMs: number): Promise<ClaimedTask[]> {
    const { inHand } = this.options;
    for (const attempt of inHand.all()) if (!attempt.finishing) attempt.abort.abort(new AttemptAborted('draining'));
    const end = performance.now() + graceMs;
    while (inHand.size > 0 && performance.now() < end) {
      const wait = new AbortController();
      await Promise.race([this.changed(), pause(end - performance.now(), wait.signal)]);
      wait.abort();
    }
    const unsettled = inHand.all().map((attempt) => attempt.task);
    return [...this.drained.splice(0), ...unsettled];
  }

  start(task: ClaimedTask): void {
    const attempt: Attempt = { task, abort: new AbortController(), finishing: false };
    this.options.inHand.add(attempt);
    this.busy += 1;
    void this.run(attempt).finally(() => this.notify());
  }

  private async run(attempt: Attempt): Promise<void> {
    const { task } = attempt;
    const { inHand, logger } = this.options;
    const handler = this.options.handlers.get(`${task.name}@${task.version}`);
    const effects: ((tx: Transaction) => Promise<unknown>)[] = [];
    const began = performance.now();
    const outcome = await this.call(handler, attempt, effects);
    attempt.finishing = true;
    const ids = { task: task.uuid, name: task.name, attempt: task.attempt };
    try {
      const ending = await this.finish(attempt, handler, outcome, effects);
      const fields = { ...ids, ms: Math.round(performance.now() - began) };
      if (ending === 'done') logger.debug(fields, 'task done');
      else if (ending === 'queued')
        logger.warn({ ...fields, err: errorOf(outcome) }, 'attempt failed; it will be repeated');
      else if (ending === 'dead') logger.error({ ...fields, err: errorOf(outcome) }, 'task is dead');
      else if (ending === 'fenced-off')
        logger.warn(fields, 'attempt ended too late: the task had gone to another worker');
      else logger.info(fields, 'task left to another worker');
    } catch (error) {
      // Neither its end nor its failure could be written: it is no longer in hand, so the ledger takes it back.
      logger.error({ ...ids, err: error }, 'the end of an attempt could not be written');
    } finally {
      inHand.remove(task);
    }
  }

  /** Calls the handler and returns what came of it, at the latest when its time limit and the grace are over. */
  private async call(
    handler: TaskHandler | undefined,
    attempt: Attempt,
    effects: ((tx: Transaction) => Promise<unknown>)[],
  ): Promise<Outcome> {
    const { task, abort } = attempt;
    const { logger } = this.options;
    const handling = this.invoke(handler, attempt, effects).finally(() => {
      this.busy -= 1;
      this.notify();
    });
    let graceTimer: NodeJS.Timeout | undefined;
    const gaveUp = new Promise<Outcome>((resolve) => {
      graceTimer = setTimeout(() => {
        abort.abort(new AttemptAborted('time-limit'));
        graceTimer = setTimeout(() => {
          logger.error(
            { task: task.uuid, name: task.name },
            'handler does not obey its signal; its slot is lost until it returns',
          );
          resolve({ ok: false, error: new AttemptAborted('time-limit') });
        }, TIME_LIMIT_GRACE_MS);
      }, task.timeLimitSeconds * 1000);
    });
    const outcome = await Promise.race([handling, gaveUp]);
    clearTimeout(graceTimer);
    return outcome;
  }

  private async invoke(
    handler: TaskHandler | undefined,
    attempt: Attempt,
    effects: ((tx: Transaction) => Promise<unknown>)[],
  ): Promise<Outcome> {
    try {
      if (handler === undefined) throw new Error(`no handler for ${attempt.task.name}@${attempt.task.version}`);
      const parsed = handler.definition.payload.safeParse(attempt.task.payload);
      if (!parsed.success) throw new NonRetryable(`the payload does not fit its schema: ${parsed.error.message}`);
      await handler.run(this.context(attempt, parsed.data, effects));
      return { ok: true };
    } catch (error) {
      return { ok: false, error };
    }
  }

  private context(attempt: Attempt, payload: unknown, effects: ((tx: Transaction) => Promise<unknown>)[]): TaskContext {
    const { task, abort } = attempt;
    const { acceptor, finisher, progress, logger } = this.options;
    return {
      taskId: task.uuid,
      payload,
      attempt: task.attempt,
      maxAttempts: task.maxAttempts,
      signal: abort.signal,
      log: childLogger(logger, { task: task.uuid, name: task.name, attempt: task.attempt }),
      progress: (value) => progress.set(task, value),
      effects: (write) => void effects.push(write),
      transaction: (write) =>
        acceptor.transaction(async (tx) => {
          await finisher.holdFence(tx, task);
          return write(tx);
        }),
    };
  }

  private async finish(
    attempt: Attempt,
    handler: TaskHandler | undefined,
    outcome: Outcome,
    effects: readonly ((tx: Transaction) => Promise<unknown>)[],
  ): Promise<Ending | 'left'> {
    const { task, abort } = attempt;
    const { finisher, progress } = this.options;
    if (progress.has(task)) await progress.flush();
    if (outcome.ok) {
      if (effects.length === 0) return finisher.done(task);
      try {
        return await finisher.doneWithEffects(task, async (tx) => {
          for (const write of effects) await write(tx);
        });
      } catch (error) {
        return this.fail(attempt, handler, error);
      }
    }
    const reason: unknown = abort.signal.reason;
    // Not the task's fault: it goes back uncounted, or others have it already.
    if (reason instanceof AttemptAborted && reason.reason !== 'time-limit') {
      if (reason.reason === 'draining') this.drained.push(task);
      return 'left';
    }
    if (outcome.error instanceof FencedOff) return 'fenced-off';
    return this.fail(attempt, handler, abort.signal.aborted ? reason : outcome.error);
  }

  private fail(attempt: Attempt, handler: TaskHandler | undefined, error: unknown): Promise<Ending> {
    const { task } = attempt;
    const backoff = handler?.definition.backoff ?? { firstSeconds: 1, factor: 2, maxSeconds: 3600, jitter: 0.2 };
    return this.options.finisher.failed({
      task,
      error: describe(error),
      deadReason: error instanceof NonRetryable ? 'non-retryable' : undefined,
      delaySeconds: backoffSeconds(backoff, task.attempt),
    });
  }

  /** Wakes whoever waits for a change. */
  notify(): void {
    const watchers = [...this.watchers];
    this.watchers.clear();
    for (const resolve of watchers) resolve();
  }
}

function errorOf(outcome: Outcome): unknown {
  return outcome.ok ? undefined : outcome.error;
}

/** One line of text that PostgreSQL can store. */
function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replaceAll('\u0000', '').slice(0, MAX_ERROR_LENGTH);
}
