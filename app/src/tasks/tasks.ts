import type { PoolConfig } from 'pg';
import type { PayloadInput, TaskDefinition } from './definition';
import type { LedgerHealth } from './inspecting/ledger-health';
import type { Retention } from './maintaining/retention';
import type { TaskEventName, TaskListener } from './running/events';
import type { ScheduleStatus } from './scheduling/schedule-list';
import type { RunningScheduler, SchedulerOptions } from './scheduling/scheduler';
import type {
  AcceptedTask,
  AcceptOptions,
  BulkCounts,
  BulkFilter,
  BulkOptions,
  CancelAnswer,
  DeadKind,
  LogPage,
  LogPageOptions,
  QueueLimits,
  Resolution,
  SystemStatus,
  TaskDetails,
  TaskFilter,
  TaskLogger,
  TaskPage,
  TaskRecordWithAttempts,
  Transaction,
  Worker,
  WorkerOptions,
} from './types';

export interface TasksOptions {
  /**
   * How to reach the ledger's PostgreSQL (15 to 18); `max` is the pool's size. A process that runs a worker opens 7 more:
   * four for claims and completions, two for heartbeats and reaping, one for the relay. @default max 10
   */
  readonly postgres: PoolConfig;
  /**
   * redis:// or rediss:// URL of the queue's Redis (6.2+ with LMPOP, i.e. 7.0+) or Valkey; rediss:// checks the server's
   * certificate. Without it everything goes through PostgreSQL.
   */
  readonly redisUrl?: string | undefined;
  readonly logger: TaskLogger;
  /** Longest that a lane's Redis list may become, in ids. @default 10_000 */
  readonly window?: number;
  /** Seconds between two heartbeats of a worker. @default 5 */
  readonly heartbeatSeconds?: number;
  /** Seconds after which a silent worker loses its tasks; at least two heartbeats. @default 15 */
  readonly leaseSeconds?: number;
  /** How long finished tasks are kept. @default done a day, cancelled 7 days, dead 90 days */
  readonly retention?: Retention;
  /**
   * The W3C traceparent of what is being done, asked at each accept that names none; handlers find it in
   * `context.trace`. One that is malformed, or a function that throws, counts as none. @default no traces
   */
  readonly trace?: () => string | undefined;
}

export interface Tasks {
  /**
   * Accepts in a transaction of its own; concurrent calls without keys share one. Resolves after the commit.
   * @throws InvalidTaskError, RequestKeyReusedError, KeyBusyError: nothing was accepted
   * @throws CommitUnknownError when nobody knows; repeat it under the same `requestKey`
   */
  accept<D extends TaskDefinition>(
    definition: D,
    payload: PayloadInput<D>,
    options?: AcceptOptions,
  ): Promise<AcceptedTask>;
  /**
   * Accepts inside the caller's transaction: the task exists exactly when that transaction commits. Under a key it waits
   * for others' open transactions under the same key; accept under several keys in the same order everywhere.
   */
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
  /** The task with its attempts and its neighbours in a flow, or undefined. `id` must be a uuid. */
  get(id: string): Promise<TaskDetails | undefined>;
  list(filter?: TaskFilter): Promise<TaskPage>;
  /**
   * What the task's handlers logged, oldest first, where its definition has `keepLog`; undefined when there is no such task.
   * Lines are written a moment after they were logged.
   */
  log(id: string, options?: LogPageOptions): Promise<LogPage | undefined>;
  /**
   * Calls `listener` for attempts that end in this process, after their end is in the ledger. What it throws is logged.
   * @returns what ends the subscription.
   */
  on(event: TaskEventName, listener: TaskListener): () => void;
  /** Yields the task now and after each change until it is finished or the signal aborts. */
  watch(id: string, options: { readonly signal: AbortSignal }): AsyncIterable<TaskRecordWithAttempts>;
  /**
   * Queues a dead or cancelled task again with a fresh budget of attempts, holding its unique key again; what was
   * cancelled because of it waits again.
   * @throws TaskStateError when it is neither, or when a task that it has to wait for is itself dead or cancelled.
   * @throws KeyHeldError when another task holds its unique key by now
   */
  retry(id: string): Promise<TaskDetails | undefined>;
  /**
   * Cancels a task: at once when it has not started; while it runs its handler's signal aborts within about two seconds, and
   * what is in the ledger first, its completion or its abortion, counts. A cancelled task can be retried by hand.
   * @returns undefined when there is no such task.
   * @throws TaskStateError when it is finished
   */
  cancel(id: string): Promise<CancelAnswer | undefined>;
  /**
   * Sets a dead or parked task aside: it counts as cancelled from then on, and can be retried by hand.
   * @returns undefined when there is no such task.
   * @throws TaskStateError when it is neither
   */
  discard(id: string): Promise<TaskDetails | undefined>;
  /**
   * Says what a person found out about an external effect whose outcome is unknown; the parked task is queued again, with
   * one more attempt where none was left, once nothing else of it is in question.
   * @returns undefined when there is no such task.
   * @throws TaskStateError when it is not parked
   * @throws InvalidTaskError when `key` names no effect in question, or is missing while several are; or when the outcome
   * has become known meanwhile and is the other one
   */
  resolve(id: string, resolution: Resolution): Promise<TaskDetails | undefined>;
  /**
   * `retry` for all dead tasks that the filter finds, or with `state: 'cancelled'` for the cancelled ones.
   * @throws InvalidTaskError when the filter is not possible, or `after` is no cursor of such a bulk
   */
  retryAll(filter: BulkFilter, options?: BulkOptions): Promise<BulkCounts>;
  /** `cancel` for all unfinished tasks that the filter finds. @throws as `retryAll` */
  cancelAll(filter: BulkFilter, options?: BulkOptions): Promise<BulkCounts>;
  /** Sets dead and parked tasks that the filter finds aside: they count as cancelled from then on. @throws as `retryAll` */
  discardAll(filter: BulkFilter, options?: BulkOptions): Promise<BulkCounts>;
  /**
   * Sets how many tasks of a queue the whole fleet may run at a time, and how many it may start in a window of time. What
   * runs already goes on. What is left out stays as it is; null lifts a limit.
   * @throws DefinitionError when a limit is out of range.
   */
  limitQueue(name: string, limits: QueueLimits): Promise<void>;
  /**
   * From a second later on, nothing of this queue is started anywhere until `resumeQueue`; what runs goes on, and tasks
   * are accepted as before. @throws DefinitionError when `name` cannot be a queue's.
   */
  pauseQueue(name: string): Promise<void>;
  /** Ends a pause: within about a second, tasks of this queue are started again, oldest first. @throws as `pauseQueue` */
  resumeQueue(name: string): Promise<void>;
  /**
   * Queues and workers, counted at most once a second however many ask; a count that took long is kept ten times as
   * long as it took, so that counting a backlog of millions stays below a tenth of the time.
   */
  status(): Promise<SystemStatus>;
  /** Which kinds of tasks have dead ones, by name; counted as seldom as `status`. */
  deadKinds(): Promise<readonly DeadKind[]>;
  /** What the ledger weighs and whether pruning keeps up, asked at most every 30 s however many ask. */
  ledgerHealth(): Promise<LedgerHealth>;
  /** Counters of this process since it started, as a plain object of numbers. */
  metrics(): Readonly<Record<string, number>>;
  /** True when the queue's Redis answered the last time it was asked. */
  redisReachable(): boolean;
  startWorker(options: WorkerOptions): Promise<Worker>;
  /**
   * Accepts the tasks of these schedules as they come due, by the database's clock, within a second. PostgreSQL may still be
   * away. Several at once are harmless; it needs connections of the pool only.
   * @throws DefinitionError when two schedules have one name.
   */
  startScheduler(options: SchedulerOptions): RunningScheduler;
  /** All schedules that the ledger knows, with their last and next ticks. */
  schedules(): Promise<readonly ScheduleStatus[]>;
  /** Stops the schedulers and workers that still run and closes every connection. */
  close(): Promise<void>;
}
