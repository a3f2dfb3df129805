import type { HungHandlerError } from './errors';
import type { PayloadOutput, Priority, TaskDefinition } from './definition';

/** Anything that can run a parameterised statement inside a transaction: a `pg` client, or a thin adapter. */
export interface Transaction {
  // Row says what the caller selected, as in `pg` itself; nothing can check it.
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  query<Row extends object = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** The shape of a pino logger's methods that the engine uses. */
export interface TaskLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AcceptOptions {
  /** @default the definition's queue */
  readonly queue?: string;
  /** @default the definition's priority */
  readonly priority?: Priority;
  /** Not before this moment, at most a year ahead. @default now, by the database's clock */
  readonly runAt?: Date;
  /** Attempts before the task is dead, 1 to 100. @default the definition's */
  readonly attempts?: number;
  /** W3C traceparent that the handler finds in `context.trace`. @default what the engine's `trace` option answers */
  readonly trace?: string;
  /**
   * Uuids of 1 to 100 tasks that must have ended before this one may run. One that ends dead or cancelled cancels it at
   * once (`cancel`), or counts as ended like any other (`run`). @default 'cancel'
   */
  readonly after?: readonly (string | { readonly id: string; readonly onFailure?: FailurePolicy })[];
  /**
   * Names this request, 1 to 255 characters, chosen anew (a random uuid) for each: repeated under the same key it is
   * answered with the tasks of the first time, for at least 24 hours, whatever became of them. For a call that may have
   * been carried out (CommitUnknownError). Of one kind of task; a batch has one key. @default none
   */
  readonly requestKey?: string;
  /**
   * What the request asks for, as any text; another one under the same key is refused with RequestKeyReusedError.
   * @default a hash of the task's name, its queue, priority, runAt and after, and the payloads as the caller gave them;
   * the definition's version is no part of it
   */
  readonly requestFingerprint?: string;
  /** Only one task of this kind holds the key at a time; a string is short for `{ key }`. @default none */
  readonly uniqueKey?: string | UniqueKeyOptions;
}

export interface UniqueKeyOptions {
  /** 1 to 255 characters. Tasks of other names do not share it. */
  readonly key: string;
  /**
   * How long a task holds the key: until it is claimed for the first time, or until it is done, dead or cancelled. While
   * one does, accepting answers with that task. Use the same for all tasks under a key: who holds it decides.
   * @default 'start'
   */
  readonly until?: 'start' | 'finish';
  /**
   * A holder that was never claimed becomes what is accepted now: payload, version, priority, runAt, attempts and time
   * limit, in the queue where it is. For debouncing and rescheduling. @default false
   */
  readonly replace?: boolean;
}

/** What a task that ends dead or cancelled means for those that wait for it. */
export const FAILURE_POLICIES = ['cancel', 'run'] as const;
export type FailurePolicy = (typeof FAILURE_POLICIES)[number];

export interface AcceptedTask {
  /** Uuid, stable for the task's life. */
  readonly id: string;
  /** It existed before: the same request was accepted earlier, or this task holds the unique key. */
  readonly duplicate: boolean;
  /** It existed before and is now what was asked for; otherwise a duplicate keeps its payload and runAt. */
  readonly replaced: boolean;
}

export const TASK_STATES = ['waiting', 'queued', 'running', 'done', 'dead', 'cancelled', 'parked'] as const;
export type TaskState = (typeof TASK_STATES)[number];

export interface AttemptRecord {
  readonly attempt: number;
  /** Uuid of the worker's registration; null when it is no longer known. */
  readonly worker: string | null;
  readonly startedAt: Date;
  /** Null while it runs. */
  readonly finishedAt: Date | null;
  /** Null when it succeeded or still runs. */
  readonly error: string | null;
}

export interface TaskRecord {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly priority: Priority;
  readonly state: TaskState;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly runAt: Date;
  readonly progress: unknown;
  readonly acceptedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Last error, or why the task is dead or cancelled. */
  readonly error: string | null;
  /** What its handler returned; null when it returned nothing or is not done. */
  readonly result: unknown;
  readonly payload: unknown;
  /** What it was accepted under; whether it still holds the key depends on its state. */
  readonly uniqueKey: string | null;
}

export interface TaskRecordWithAttempts extends TaskRecord {
  readonly attempts: readonly AttemptRecord[];
}

/** A task that another waits or waited for, as seen from either. */
export interface TaskNeighbour {
  readonly id: string;
  readonly name: string;
  readonly state: TaskState;
  /** What it means for the one that waits when the other ends dead or cancelled. */
  readonly onFailure: FailurePolicy;
}

export interface TaskDetails extends TaskRecordWithAttempts {
  /** What it waits or waited for, at most 100. */
  readonly after: readonly TaskNeighbour[];
  /** What waits or waited for it, at most 100. */
  readonly before: readonly TaskNeighbour[];
  /** What it did to the outside, or was about to, in the order in which that began. */
  readonly effects: readonly ExternalEffectRecord[];
}

/** What an attempt does when an earlier one began an external effect and nobody knows whether it happened. */
export type OnUnknown = 'repeat' | 'park';

/** An external effect of a task (`context.external`). */
export interface ExternalEffectRecord {
  readonly key: string;
  readonly onUnknown: OnUnknown;
  /** When it was begun for the first time, before the call. */
  readonly intentAt: Date;
  /** When it was known to have happened; null while it is not. */
  readonly receiptAt: Date | null;
  /** What the call returned; null when that was nothing or could not be kept. */
  readonly receipt: unknown;
  /** A person said that it had happened. */
  readonly resolved: boolean;
}

/** What a person found out about an external effect of a parked task. */
export interface Resolution {
  /** Which effect. @default the only one in question */
  readonly key?: string;
  /** `sent`: it happened, so it is not called again; `not-sent`: it did not, so the next attempt calls. */
  readonly outcome: 'sent' | 'not-sent';
  /** With `sent`, what `external` answers from now on (JSON, at most 16 KiB). @default null */
  readonly receipt?: unknown;
}

export interface ExternalOptions {
  /**
   * When an earlier attempt began the call and its outcome is unknown. `repeat`: call again under the same
   * `idempotencyKey`; happens at least once, and once at receivers that honour keys. `park`: do not call; the task waits for
   * a person (`resolve`), so it happens at most once.
   */
  readonly onUnknown: OnUnknown;
}

/** What the call of an external effect gets. */
export interface ExternalCall {
  /** The same over all attempts: the task's id, a colon and the effect's key; at most 137 characters. */
  readonly idempotencyKey: string;
  /** The attempt's. */
  readonly signal: AbortSignal;
}

/** What a task came to that another waited for. */
export interface ParentRecord {
  readonly id: string;
  readonly name: string;
  readonly state: TaskState;
  /** What its handler returned; null when it returned nothing or did not succeed. */
  readonly result: unknown;
}

export interface TaskFilter {
  readonly state?: TaskState;
  readonly queue?: string;
  readonly name?: string;
  /** Accepted under this unique key, whether they still hold it or not; only in the order `newest`. */
  readonly uniqueKey?: string;
  /**
   * `newest`: last accepted first. `next`: queued tasks only, in the order of the moments from which they may run,
   * without those that wait, are parked or are suspects. `longest`: running tasks only, the one that has run longest
   * first, in one page. @default 'newest'
   */
  readonly order?: 'newest' | 'next' | 'longest';
  /** Cursor of the page before. */
  readonly after?: string;
  /** 1 to 200. @default 50 */
  readonly limit?: number;
}

export type LogLevel = keyof TaskLogger;

/** What a handler logged, where its definition keeps that. */
export interface LogLine {
  /** Pass the last one's as `after` to follow a log. */
  readonly id: string;
  /** Which attempt logged it. */
  readonly attempt: number;
  readonly at: Date;
  readonly level: LogLevel;
  readonly message: string;
  /** As logged, at most 4 KiB of JSON: of larger ones only their size; null when there were none. */
  readonly fields: unknown;
}

export interface LogPageOptions {
  /** Id of the line to go on after. */
  readonly after?: string;
  /** Lines, 1 to 1,000. @default 200 */
  readonly limit?: number;
}

export interface LogPage {
  /** Oldest first. */
  readonly lines: readonly LogLine[];
  /** Pass as `after` for the next page; null when there is nothing more yet. */
  readonly next: string | null;
}

export interface TaskPage {
  /** In the order asked for. */
  readonly items: readonly TaskRecord[];
  /** Pass as `after` for the next page; null on the last. */
  readonly next: string | null;
}

export interface CancelAnswer {
  /** `cancelled` at once, as it had not started; `requested` of its worker, as it runs: its fence decides. */
  readonly outcome: 'cancelled' | 'requested';
  /** As it is now. */
  readonly task: TaskRecordWithAttempts;
}

/** Which tasks a bulk is for: those that meet all that is given. One of queue, name and acceptedBefore must be. */
export interface BulkFilter {
  readonly queue?: string;
  readonly name?: string;
  /** @default all states that the bulk can be done to; for `retryAll` dead, so that cancelled ones stay so unless named */
  readonly state?: TaskState;
  /** @default the beginning of the bulk, by the database's clock */
  readonly acceptedBefore?: Date;
}

export interface BulkOptions {
  /** Called after each batch of at most 1,000. */
  readonly onProgress?: (counts: BulkCounts) => void;
  /** Stops between two batches; a retry between two tasks. */
  readonly signal?: AbortSignal;
  /** Goes on where a bulk of the same kind and filter was stopped: its `next`. @default from the beginning */
  readonly after?: string;
}

export interface BulkCounts {
  /** Tasks that were queued again, cancelled or set aside. */
  readonly changed: number;
  /** Tasks that run, whose workers were asked to cancel them. */
  readonly requested: number;
  /**
   * Tasks that were found and left as they are: somebody held them, they had changed, or their key is taken. Those of the
   * calls before with the same cursor are counted as well, unlike the other numbers.
   */
  readonly left: number;
  /** False when it was stopped before the end. */
  readonly complete: boolean;
  /** Pass as `after` to go on; null when it is complete. */
  readonly next: string | null;
}

export interface RateLimit {
  /** Starts, a whole number from 1 to 1,000. */
  readonly count: number;
  /** In any window of this many seconds, 0.1 to 86,400. */
  readonly perSeconds: number;
}

/** What to set of a queue's limits; what is left out stays as it is, and null lifts a limit. */
export interface QueueLimits {
  /** Tasks of the queue that run at the same time in the whole fleet, 1 to 100,000. */
  readonly maxRunning?: number | null;
  /** At most so many starts in any window of so many seconds, in the whole fleet. */
  readonly rateLimit?: RateLimit | null;
}

export interface QueueStatus {
  readonly name: string;
  /** Tasks that are due and not started, those that must run alone and those of a paused queue included. */
  readonly backlog: number;
  /** Tasks that are accepted for later (delay, backoff). */
  readonly scheduled: number;
  /** Tasks that wait for others. */
  readonly waiting: number;
  readonly running: number;
  /** Tasks that wait for a person's decision. */
  readonly parked: number;
  readonly dead: number;
  /** Since when nothing of it is started; null when it is not paused. */
  readonly pausedAt: Date | null;
  /** Tasks that may run at the same time in the whole fleet; null without a limit. */
  readonly maxRunning: number | null;
  readonly rateLimit: RateLimit | null;
  /** How long the oldest due task has waited since it became due; 0 when there is none. */
  readonly oldestAgeSeconds: number;
}

export interface WorkerStatus {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Which kind of worker it is, as the deployment names it. */
  readonly kind: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly running: number;
  /** Where its last tasks came from. */
  readonly source: 'redis' | 'postgres';
  /** Takes no more tasks: it stops, or is paused. */
  readonly draining: boolean;
  readonly startedAt: Date;
  readonly heartbeatAgeSeconds: number;
}

/** Due tasks, suspects included, that no living worker of their queue knows. They wait for one that does, uncounted, and hold up nothing. */
export interface UnknownKindStatus {
  /** name@version */
  readonly kind: string;
  readonly queue: string;
  readonly count: number;
  /** How long the oldest of them has waited since it became due. */
  readonly oldestAgeSeconds: number;
}

/** Dead tasks of one name. */
export interface DeadKind {
  readonly name: string;
  readonly count: number;
  /** When the last of them died. */
  readonly lastAt: Date;
}

export interface SystemStatus {
  readonly queues: readonly QueueStatus[];
  readonly workers: readonly WorkerStatus[];
  /** Kinds of tasks that no living worker of their queue has known for half a minute; in no queue's backlog. */
  readonly unknownKinds: readonly UnknownKindStatus[];
}

/** What a handler gets. */
export interface TaskContext<D extends TaskDefinition = TaskDefinition> {
  readonly taskId: string;
  readonly payload: PayloadOutput<D>;
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /**
   * Grows with every claim of the task, also where an attempt is not counted, and never falls: tells this run from any
   * other. A store outside that refuses lower ones than it has seen refuses a worker that woke up too late.
   */
  readonly fence: number;
  /** Aborts at the time limit, at a lost lease, and at the end of the drain budget. */
  readonly signal: AbortSignal;
  /** W3C traceparent of whoever accepted the task, if there was one. */
  readonly trace: string | undefined;
  /** Logs with the task's id and attempt, and the id of its trace. */
  readonly log: TaskLogger;
  /** Records how far the task is (JSON, at most 4 KiB); written at most four times a second, last value wins. */
  readonly progress: (value: unknown) => void;
  /**
   * Database effects of this task. Called after the handler has returned, in the transaction that completes the task,
   * after the fence was checked: they happen exactly when the task is done. Must do database work only, and may be
   * called again when the transaction has to be repeated (deadlock, serialisation failure).
   */
  readonly effects: (write: (tx: Transaction) => Promise<unknown>) => void;
  /**
   * Accepts follow-up tasks and writes intermediate results under the fence: rolled back when the task is no longer ours.
   * Commits by itself, so a later attempt does it again; what must happen once per task belongs in `effects`. Await it:
   * one that outlasts the handler by more than five seconds is rolled back.
   */
  readonly transaction: <T>(write: (tx: Transaction) => Promise<T>) => Promise<T>;
  /**
   * Does something outside the database: a mail, a payment, a call of somebody's API. Before the call its intent is committed
   * under the fence, after it what it returned (the receipt: JSON, at most 16 KiB); a later attempt gets the receipt and
   * does not call. What happens when an attempt ends in between says `onUnknown`. Await it; not inside `transaction` or
   * `effects`.
   * @param key 1 to 100 characters, another one for each effect of the task, the same in all attempts.
   * @param call may throw NotSent when nothing happened; under `park` any other error parks the task at once.
   * @returns the receipt as read from JSON; null when the call returned nothing, or a person resolved it without one.
   * @throws NonRetryable when the key was used before in this attempt, or a receipt cannot be kept (it counts as null)
   */
  readonly external: <R>(
    key: string,
    options: ExternalOptions,
    call: (call: ExternalCall) => Promise<R>,
  ) => Promise<R | null>;
  /** What the tasks came to that this one was accepted `after`, in the order in which they were accepted. */
  readonly parents: () => Promise<readonly ParentRecord[]>;
}

export interface TaskHandler {
  readonly definition: TaskDefinition;
  run(context: TaskContext): Promise<unknown>;
}

export interface WorkerOptions {
  readonly handlers: readonly TaskHandler[];
  /** Queues to take tasks from, with their weight (how often a queue's lanes are asked first). */
  readonly queues: readonly { readonly name: string; readonly weight?: number }[];
  /** Tasks that run at the same time, 1 to 1,000. @default 10 */
  readonly concurrency?: number;
  /** Kind of worker, shown in `status()`: a name as of a queue. @default 'default' */
  readonly kind?: string;
}

export interface StopOptions {
  /** Seconds that running tasks may go on before their signal aborts and they are given back. @default 20 */
  readonly deadlineSeconds?: number;
}

export interface Worker {
  readonly id: string;
  /** Tasks in hand: claimed, and their end not yet written. */
  readonly running: number;
  /**
   * Resolves when a handler has not obeyed its signal 5 seconds after its time limit, or when other workers found a task of
   * this one half a minute past it. From then on the worker takes no more tasks; stop it, end the process with an error and
   * let the platform start another. Pending while all is well; never rejects.
   */
  readonly failed: Promise<HungHandlerError>;
  /**
   * Takes no more tasks until `resume`; what it has in hand goes on, and others may take the rest. Resolves when no take
   * is under way any more: from then on `running` only falls.
   */
  pause(): Promise<void>;
  /** Takes tasks again after `pause`, unless a handler hangs. */
  resume(): void;
  /**
   * Takes no more tasks, lets the running ones finish until the deadline, gives the rest back uncounted.
   * Resolves when nothing is in hand any more. Calling it again shortens the deadline.
   */
  stop(options?: StopOptions): Promise<void>;
}
