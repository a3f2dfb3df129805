import type { PoolConfig } from 'pg';
import type { PayloadInput, TaskDefinition } from './definition';
import type {
  AcceptedTask,
  AcceptOptions,
  SystemStatus,
  TaskContext,
  TaskFilter,
  TaskHandler,
  TaskLogger,
  TaskPage,
  TaskRecordWithAttempts,
  Transaction,
  Worker,
  WorkerOptions,
} from './types';

export interface TasksOptions {
  /** How to reach the ledger's PostgreSQL (15 to 18); `max` is the pool's size. @default max 10 */
  readonly postgres: PoolConfig;
  /** URL of the queue's Redis (6.2+ with LMPOP, i.e. 7.0+) or Valkey; without it everything goes through PostgreSQL. */
  readonly redisUrl?: string;
  readonly logger: TaskLogger;
  /** Longest that a lane's Redis list may become, in ids. @default 10_000 */
  readonly window?: number;
  /** Seconds between two heartbeats of a worker. @default 5 */
  readonly heartbeatSeconds?: number;
  /** Seconds after which a silent worker loses its tasks; at least two heartbeats. @default 15 */
  readonly leaseSeconds?: number;
}

export interface Tasks {
  /** Accepts in a transaction of its own; concurrent calls share one. Resolves after the commit. */
  accept<D extends TaskDefinition>(
    definition: D,
    payload: PayloadInput<D>,
    options?: AcceptOptions,
  ): Promise<AcceptedTask>;
  /** Accepts inside the caller's transaction: the task exists exactly when that transaction commits. */
  accept<D extends TaskDefinition>(
    tx: Transaction,
    definition: D,
    payload: PayloadInput<D>,
    options?: AcceptOptions,
  ): Promise<AcceptedTask>;
  /** As `accept`, for many of one kind in one statement: all or none. */
  acceptMany<D extends TaskDefinition>(
    definition: D,
    payloads: readonly PayloadInput<D>[],
    options?: AcceptOptions,
  ): Promise<AcceptedTask[]>;
  acceptMany<D extends TaskDefinition>(
    tx: Transaction,
    definition: D,
    payloads: readonly PayloadInput<D>[],
    options?: AcceptOptions,
  ): Promise<AcceptedTask[]>;
  /** Runs `fn` in a transaction and dispatches what it accepted as soon as it has committed. */
  transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /** The task with its attempts, or undefined. `id` must be a uuid. */
  get(id: string): Promise<TaskRecordWithAttempts | undefined>;
  list(filter?: TaskFilter): Promise<TaskPage>;
  /** Yields the task now and after each change until it is finished or the signal aborts. */
  watch(id: string, options: { readonly signal: AbortSignal }): AsyncIterable<TaskRecordWithAttempts>;
  /** Queues a dead task again with a fresh budget of attempts. @throws TaskStateError when it is not dead */
  retry(id: string): Promise<TaskRecordWithAttempts | undefined>;
  /** Queues and workers now; at most a second old, so that many readers cost one query. */
  status(): Promise<SystemStatus>;
  /** Counters of this process since it started, as a plain object of numbers. */
  metrics(): Readonly<Record<string, number>>;
  /** True when the queue's Redis answered the last time it was asked. */
  redisReachable(): boolean;
  startWorker(options: WorkerOptions): Promise<Worker>;
  /** Stops the workers that still run and closes every connection. */
  close(): Promise<void>;
}

/** Binds a definition to what a worker does for it. */
export function handle<D extends TaskDefinition>(
  definition: D,
  run: (context: TaskContext<D>) => Promise<void>,
): TaskHandler {
  return { definition, run: run as TaskHandler['run'] };
}

export function createTasks(options: TasksOptions): Tasks {
  throw new Error(`the engine is being written; got ${Object.keys(options).join(', ')}`);
}
