import type { Acceptor } from '../accepting/acceptor';
import type { ClaimedTask } from '../claiming/claimer';
import type { TaskDefinition } from '../definition';
import type { Finisher, Holder } from '../finishing/finisher';
import { external } from '../external/external';
import type { ExternalStore } from '../external/external-store';
import { keepingLogger } from '../task-log/keeping-logger';
import type { LogWriter } from '../task-log/log-writer';
import { resultsOfParents } from '../flows/neighbours';
import type { Ledger } from '../ledger/ledger';
import type { TaskContext, TaskLogger } from '../types';
import type { Attempt } from './attempt';
import { childLogger } from './child-logger';
import { idsOf } from './ids-of';
import type { ProgressWriter } from './progress-writer';

export interface ContextParts {
  readonly ledger: Ledger;
  readonly finisher: Finisher;
  readonly externalStore: ExternalStore;
  readonly acceptor: Acceptor;
  readonly progress: ProgressWriter;
  readonly logWriter: LogWriter;
  readonly logger: TaskLogger;
}

/** What the handler gets. The logger and the signal are made when they are first asked for. */
export function taskContext(
  attempt: Attempt,
  definition: TaskDefinition,
  payload: unknown,
  parts: ContextParts,
): TaskContext {
  const { task } = attempt;
  let log: TaskLogger | undefined;
  return {
    taskId: task.uuid,
    payload,
    attempt: task.attempt,
    maxAttempts: task.maxAttempts,
    fence: task.fence,
    trace: task.trace ?? undefined,
    get signal() {
      return attempt.signal;
    },
    get log() {
      return (log ??= loggerOf(task, definition, parts));
    },
    progress: (value) => parts.progress.set(task, value),
    effects: (write) => void attempt.effects.push(write),
    transaction: (write) => {
      if (attempt.finishing) return Promise.reject(new AttemptOverError());
      const known: { holder?: Holder } = {};
      const transaction = parts.acceptor.transaction(async (tx) => {
        known.holder = await parts.finisher.holdFence(tx, task);
        if (attempt.closed) throw new AttemptOverError();
        return write(tx);
      });
      attempt.transactions.set(transaction, known);
      const forget = (): void => void attempt.transactions.delete(transaction);
      transaction.then(forget, forget);
      return transaction;
    },
    external: (key, options, call) => external(attempt, parts.externalStore, key, options, call),
    parents: () => resultsOfParents(parts.ledger, task.id),
  };
}

function loggerOf(task: ClaimedTask, { keepLog }: TaskDefinition, parts: ContextParts): TaskLogger {
  const logger = childLogger(parts.logger, idsOf(task));
  return keepLog === undefined
    ? logger
    : keepingLogger(logger, keepLog.lines, (line) => parts.logWriter.keep(task, line));
}

class AttemptOverError extends Error {
  override readonly name = 'AttemptOverError';
  constructor() {
    super('the attempt is over: await every transaction before the handler returns');
  }
}
