import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTasks, ledgers } from './engine';
import type { Tasks, TasksOptions } from './tasks';
import { loadStatements } from './ledger/statements';
import { monotonicMs } from './pause';
import type { AttemptOutcome } from './running/events';
import type { TaskHandler } from './types';

export interface DrainOptions {
  /** What to run; tasks of other names are left alone. */
  readonly handlers: readonly TaskHandler[];
  /** @default the queues of the handlers' definitions, and those where such tasks are when it begins */
  readonly queues?: readonly string[];
  /** Tasks for later (delays, backoff, snoozes) up to this moment count as due. @default now */
  readonly until?: Date;
  /** Seconds after which it gives up. @default 60 */
  readonly limitSeconds?: number;
}

/** How many attempts ended in each way. */
export type DrainCounts = Readonly<Record<AttemptOutcome, number>>;

export interface InlineTasksOptions extends TasksOptions {
  /** What accepted tasks are run by. */
  readonly handlers: readonly TaskHandler[];
}

const LOOK_EVERY_MS = 10;

/**
 * For tests: runs every due task, also those accepted meanwhile, in this process until none is due any more. What waits
 * for a later moment than `until`, what is parked, and paused queues stay as they are.
 * @throws Error when tasks are still due after `limitSeconds`.
 */
export async function drain(tasks: Tasks, options: DrainOptions): Promise<DrainCounts> {
  const ledger = ledgers.get(tasks);
  if (ledger === undefined)
    throw new TypeError('drain: these tasks are not what createTasks or createInlineTasks made');
  const sql = loadStatements(__dirname, 'testing.sql', ['queues', 'bring_forward', 'pending']);
  const { handlers, limitSeconds = 60 } = options;
  const names = handlers.map(({ definition }) => definition.name);
  const found = await ledger.query<{ queue: string }>(sql.queues, [names]);
  const known = [...handlers.map(({ definition }) => definition.queue), ...found.rows.map(({ queue }) => queue)];
  const queues = [...new Set(options.queues ?? known)];
  const counts = { done: 0, dead: 0, cancelled: 0, parked: 0, retried: 0, snoozed: 0 };
  const off = tasks.on('attempt', ({ outcome }) => (counts[outcome] += 1));
  const worker = await tasks.startWorker({ handlers, queues: queues.map((name) => ({ name })) });
  const endMs = monotonicMs() + limitSeconds * 1000;
  try {
    for (;;) {
      const answer = await ledger.query<{ pending: number }>(sql.pending, [queues, names, worker.id]);
      // After the look: what ran then and is to be tried again by now would otherwise be missed by both.
      const forward = options.until && (await ledger.query(sql.bring_forward, [queues, names, options.until]));
      const pending = (answer.rows[0]?.pending ?? 0) + (forward?.rowCount ?? 0);
      if (pending === 0) break;
      if (monotonicMs() > endMs) throw new Error(`drain: ${pending} tasks are still due after ${limitSeconds} s`);
      await sleep(LOOK_EVERY_MS);
    }
  } finally {
    await worker.stop();
    off();
  }
  return counts;
}

/**
 * For tests: tasks whose `accept` (and `transaction`) runs what it accepted, with all follow-ups, right after the commit and
 * before it resolves. It rejects with what an attempt failed with; the task is then queued for its next attempt or dead,
 * as ever. Of transactions of others nobody knows when they commit, and delayed tasks are not due: `drain` runs both.
 */
export function createInlineTasks({ handlers, ...options }: InlineTasksOptions): Tasks {
  const tasks = createTasks(options);
  /** Within a handler: what it accepts is run by the run that it belongs to. */
  const inside = new AsyncLocalStorage<true>();
  let turn: Promise<unknown> = Promise.resolve();

  const runDue = async (): Promise<void> => {
    const errors: unknown[] = [];
    const off = tasks.on('failed', ({ error }) => errors.push(error));
    await drain(tasks, { handlers }).finally(off);
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} attempts failed`);
    if (errors.length === 1) throw errors[0];
  };
  const andRun = async <Accepted>(accepted: Accepted): Promise<Accepted> => {
    if (inside.getStore() === true) return accepted;
    const mine = turn.then(() => inside.run(true, runDue));
    turn = mine.catch(() => undefined);
    await mine;
    return accepted;
  };
  const accepting =
    (accept: (...args: unknown[]) => Promise<unknown>) =>
    async (...args: unknown[]) => {
      const accepted = await accept(...args);
      const foreign = typeof args[0] === 'object' && args[0] !== null && 'query' in args[0];
      return foreign ? accepted : andRun(accepted);
    };
  const instead: Readonly<Record<string | symbol, unknown>> = {
    accept: accepting((...args) => tasks.accept(...(args as Parameters<Tasks['accept']>))),
    acceptMany: accepting((...args) => tasks.acceptMany(...(args as Parameters<Tasks['acceptMany']>))),
    transaction: async (fn: Parameters<Tasks['transaction']>[0]) => andRun(await tasks.transaction(fn)),
  };
  const inline = new Proxy(tasks, {
    get: (target, key) => {
      if (key in instead) return instead[key];
      const value = Reflect.get(target, key) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const ledger = ledgers.get(tasks);
  if (ledger !== undefined) ledgers.set(inline, ledger);
  return inline;
}
