import { Acceptor } from './accepting/acceptor';
import { prepareKeys } from './accepting/keys';
import type { Keys } from './accepting/keys';
import { Bulk } from './administering/bulk';
import { Canceller } from './administering/canceller';
import { prepare } from './accepting/prepare';
import type { PreparedTask } from './accepting/prepare';
import type { HandlerResult, TaskDefinition } from './definition';
import { Dispatcher } from './dispatching/dispatcher';
import { isRedisUrl, RedisConnection } from './dispatching/redis-connection';
import { DefinitionError, KeyHeldError, TaskStateError } from './errors';
import { resolveTask } from './external/resolver';
import { retryTasks } from './flows/reviving';
import type { Retried } from './flows/reviving';
import { isConnectionError, isUniqueViolation } from './ledger/connection-errors';
import { Inspector } from './inspecting/inspector';
import { checkUuid } from './inspecting/page';
import { Watcher } from './inspecting/watcher';
import { Ledger } from './ledger/ledger';
import { HealthReader } from './inspecting/ledger-health';
import type { LedgerHealth } from './inspecting/ledger-health';
import { checkedRetention } from './maintaining/retention';
import { QueueSettings } from './limiting/queue-settings';
import { zeroCounters } from './metrics';
import { ScheduleList } from './scheduling/schedule-list';
import type { ScheduleStatus } from './scheduling/schedule-list';
import { Scheduler } from './scheduling/scheduler';
import type { RunningScheduler, SchedulerOptions } from './scheduling/scheduler';
import type {
  AcceptedTask,
  AcceptOptions,
  LogPage,
  LogPageOptions,
  BulkCounts,
  BulkFilter,
  BulkOptions,
  CancelAnswer,
  DeadKind,
  QueueLimits,
  Resolution,
  SystemStatus,
  TaskContext,
  TaskDetails,
  TaskFilter,
  TaskHandler,
  TaskLogger,
  TaskPage,
  TaskRecordWithAttempts,
  Transaction,
  Worker,
  WorkerOptions,
} from './types';
import { soundTrace } from './accepting/trace';
import { TaskEvents } from './running/events';
import type { TaskEventName, TaskListener } from './running/events';
import { LogReader } from './task-log/log-reader';
import type { Tasks, TasksOptions } from './tasks';
import { TaskWorker } from './worker';
import type { WorkerParts } from './worker';

/** Binds a definition to what a worker does for it. */
export function handle<D extends TaskDefinition>(
  definition: D,
  run: (context: TaskContext<D>) => Promise<HandlerResult<D>>,
): TaskHandler {
  return { definition, run };
}

/** Of a retry by hand whose key is taken and let go again and again. */
const MOST_RETRIES = 5;
/** A command that Redis does not answer within this is given up, and the connection with it. */
const REDIS_SILENCE_MS = 2_000;
/** Opened by workers only, beside the pool; with claims, completions and the relay's session a worker needs `max` + 7 connections. */
const CONTROL_CONNECTIONS = 2;

/**
 * Opens the task engine. Connects lazily: PostgreSQL and Redis may still be starting.
 * @throws DefinitionError when an option is out of range.
 */
export function createTasks(options: TasksOptions): Tasks {
  return new TaskEngine(options);
}

/** The ledgers behind engines, for the helpers of tests (testing.ts). */
export const ledgers = new WeakMap<Tasks, Ledger>();

class TaskEngine implements Tasks {
  private readonly counters = zeroCounters();
  private readonly ledger: Ledger;
  private readonly control: Ledger;
  private readonly redis: RedisConnection | undefined;
  private readonly dispatcher: Dispatcher;
  private readonly acceptor: Acceptor;
  private readonly inspector: Inspector;
  private readonly logReader: LogReader;
  private readonly events: TaskEvents;
  private readonly watcher: Watcher;
  private readonly scheduleList: ScheduleList;
  private readonly health: HealthReader;
  private readonly queueSettings: QueueSettings;
  private readonly canceller: Canceller;
  private readonly bulk: Bulk;
  private readonly workers: TaskWorker[] = [];
  private readonly schedulers: Scheduler[] = [];
  /** Whose start is under way. */
  private readonly starting = new Set<Promise<TaskWorker>>();
  private readonly workerParts: WorkerParts;
  private readonly currentTrace: (() => string | undefined) | undefined;
  private closed: Promise<void> | undefined;

  private readonly logger: TaskLogger;

  constructor(options: TasksOptions) {
    const { logger } = options;
    this.logger = logger;
    const redisUrl = checkedRedisUrl(options.redisUrl);
    const window = option('window', options.window ?? 10_000, 100, 1_000_000);
    const heartbeatSeconds = option('heartbeatSeconds', options.heartbeatSeconds ?? 5, 0.1, 600);
    const leaseSeconds = option('leaseSeconds', options.leaseSeconds ?? 15, heartbeatSeconds * 2, 3_600);
    const retention = checkedRetention(options.retention);
    this.ledger = new Ledger(options.postgres, leaseSeconds, logger);
    this.control = new Ledger({ ...options.postgres, max: CONTROL_CONNECTIONS }, leaseSeconds, logger);
    this.redis =
      redisUrl === undefined
        ? undefined
        : new RedisConnection(redisUrl, { name: 'commands', silenceMs: REDIS_SILENCE_MS, logger });
    this.dispatcher = new Dispatcher(this.redis, this.ledger, window, this.counters);
    this.acceptor = new Acceptor(this.ledger, this.dispatcher, this.counters);
    this.inspector = new Inspector(this.ledger);
    this.logReader = new LogReader(this.ledger);
    this.events = new TaskEvents(logger);
    this.watcher = new Watcher(this.inspector);
    this.currentTrace = options.trace && soundTrace(options.trace);
    this.scheduleList = new ScheduleList(this.ledger);
    this.health = new HealthReader(this.ledger);
    const { ledger, control, redis, dispatcher, acceptor, counters, events } = this;
    ledgers.set(this, ledger);
    this.queueSettings = new QueueSettings(this.ledger);
    this.canceller = new Canceller(this.ledger, this.inspector);
    this.bulk = new Bulk(this.ledger);
    this.workerParts = {
      ...{ ledger, control, redis, redisUrl, dispatcher, acceptor, counters, events },
      ...{ logger, window, heartbeatSeconds, leaseSeconds, retention },
    };
  }

  readonly accept: Tasks['accept'] = async (...args: unknown[]) => {
    const { tx, definition, payload, options } = unpack(args as AcceptArguments<unknown>);
    const task = prepare(definition, payload, this.traced(options));
    const keys = prepareKeys(definition, options, [task]);
    if (tx === undefined && keys === undefined) return this.acceptor.coalesced(task);
    const [accepted] = await this.acceptAll(tx, [task], keys);
    if (accepted === undefined) throw new Error('accepting was answered without a task');
    return accepted;
  };

  readonly acceptMany: Tasks['acceptMany'] = async (...args: unknown[]) => {
    const { tx, definition, payload, options } = unpack(args as AcceptArguments<readonly unknown[]>);
    const traced = this.traced(options);
    const tasks = payload.map((one) => prepare(definition, one, traced));
    return this.acceptAll(tx, tasks, prepareKeys(definition, options, tasks));
  };

  private acceptAll(
    tx: Transaction | undefined,
    tasks: readonly PreparedTask[],
    keys: Keys | undefined,
  ): Promise<AcceptedTask[]> {
    if (tx !== undefined) return this.acceptor.within(tx, tasks, keys);
    return keys === undefined ? this.acceptor.together(tasks) : this.acceptor.underKeys(tasks, keys);
  }

  /** The options with the trace of the moment, unless they name one. */
  private traced(options: AcceptOptions | undefined): AcceptOptions | undefined {
    const { currentTrace } = this;
    if (currentTrace === undefined || options?.trace !== undefined) return options;
    const trace = currentTrace();
    return trace === undefined ? options : { ...options, trace };
  }

  transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.acceptor.transaction(fn);
  }

  get(id: string): Promise<TaskDetails | undefined> {
    return this.inspector.get(id);
  }

  list(filter: TaskFilter = {}): Promise<TaskPage> {
    return this.inspector.list(filter);
  }

  log(id: string, options: LogPageOptions = {}): Promise<LogPage | undefined> {
    return this.logReader.read(id, options);
  }

  on(event: TaskEventName, listener: TaskListener): () => void {
    return this.events.on(event, listener);
  }

  watch(id: string, { signal }: { readonly signal: AbortSignal }): AsyncIterable<TaskRecordWithAttempts> {
    return this.watcher.watch(id, signal);
  }

  async retry(id: string): Promise<TaskDetails | undefined> {
    checkUuid(id);
    const { ids, dispatch } = await this.queueAgain(id);
    this.dispatcher.push(dispatch);
    const task = await this.inspector.get(id);
    if (ids.length > 0 || task === undefined) return task;
    throw new TaskStateError(id, task.state, 'only a dead or cancelled task can be retried');
  }

  private async queueAgain(id: string): Promise<Retried> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.acceptor.transaction((tx) => retryTasks(tx, [id]));
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        const held = await this.inspector.keyHolder(id);
        if (held !== undefined) throw new KeyHeldError(id, held.key, held.holder);
        // The holder let go in between, so the next try succeeds unless somebody else takes the key first.
        if (tries === MOST_RETRIES) throw error;
      }
    }
  }

  cancel(id: string): Promise<CancelAnswer | undefined> {
    return this.canceller.cancel(id);
  }

  discard(id: string): Promise<TaskDetails | undefined> {
    return this.canceller.discard(id);
  }

  async resolve(id: string, resolution: Resolution): Promise<TaskDetails | undefined> {
    checkUuid(id);
    const { found, dispatch } = await this.acceptor.transaction((tx) => resolveTask(tx, id, resolution));
    this.dispatcher.push(dispatch);
    return found ? this.inspector.get(id) : undefined;
  }

  retryAll(filter: BulkFilter, options: BulkOptions = {}): Promise<BulkCounts> {
    return this.bulk.retry(filter, options, async (id) => {
      try {
        return (await this.retry(id)) !== undefined;
      } catch (error) {
        // It is no longer dead or cancelled, or another task has its key.
        if (error instanceof TaskStateError || error instanceof KeyHeldError) return false;
        if (isConnectionError(error)) throw error;
        // One that cannot be queued again must not keep the others from it.
        this.logger.error({ task: id, err: error }, 'task could not be retried');
        return false;
      }
    });
  }

  cancelAll(filter: BulkFilter, options: BulkOptions = {}): Promise<BulkCounts> {
    return this.bulk.cancel(filter, options);
  }

  discardAll(filter: BulkFilter, options: BulkOptions = {}): Promise<BulkCounts> {
    return this.bulk.discard(filter, options);
  }

  limitQueue(name: string, limits: QueueLimits): Promise<void> {
    return this.queueSettings.limit(name, limits);
  }

  pauseQueue(name: string): Promise<void> {
    return this.queueSettings.pause(name);
  }

  resumeQueue(name: string): Promise<void> {
    return this.queueSettings.resume(name);
  }

  status(): Promise<SystemStatus> {
    return this.inspector.status();
  }

  deadKinds(): Promise<readonly DeadKind[]> {
    return this.inspector.deadKinds();
  }

  ledgerHealth(): Promise<LedgerHealth> {
    return this.health.read();
  }

  metrics(): Readonly<Record<string, number>> {
    return { ...this.counters };
  }

  redisReachable(): boolean {
    return this.redis?.ready === true;
  }

  async startWorker(options: WorkerOptions): Promise<Worker> {
    if (this.closed !== undefined) throw new Error('startWorker: the task engine is closed');
    const starting = TaskWorker.start(this.workerParts, options).then((worker) => {
      this.workers.push(worker);
      return worker;
    });
    this.starting.add(starting);
    try {
      return await starting;
    } finally {
      this.starting.delete(starting);
    }
  }

  startScheduler({ schedules }: SchedulerOptions): RunningScheduler {
    if (this.closed !== undefined) throw new Error('startScheduler: the task engine is closed');
    const scheduler = new Scheduler(schedules, this.workerParts);
    this.schedulers.push(scheduler);
    scheduler.start();
    return scheduler;
  }

  schedules(): Promise<readonly ScheduleStatus[]> {
    return this.scheduleList.read();
  }

  close(): Promise<void> {
    this.closed ??= this.closeAll();
    return this.closed;
  }

  private async closeAll(): Promise<void> {
    await Promise.allSettled(this.starting);
    await Promise.all([...this.workers, ...this.schedulers].map((running) => running.stop()));
    await this.watcher.close();
    this.redis?.close();
    await this.ledger.close();
    await this.control.close();
  }
}

type AcceptArguments<Payload> =
  | [definition: TaskDefinition, payload: Payload, options?: AcceptOptions]
  | [tx: Transaction, definition: TaskDefinition, payload: Payload, options?: AcceptOptions];

/** Tells the two forms of accept apart: a transaction has `query`, a definition has not. */
function unpack<Payload>(args: AcceptArguments<Payload>): {
  readonly tx: Transaction | undefined;
  readonly definition: TaskDefinition;
  readonly payload: Payload;
  readonly options: AcceptOptions | undefined;
} {
  if ('query' in args[0]) {
    const [tx, definition, payload, options] = args as [Transaction, TaskDefinition, Payload, AcceptOptions?];
    return { tx, definition, payload, options };
  }
  const [definition, payload, options] = args as [TaskDefinition, Payload, AcceptOptions?];
  return { tx: undefined, definition, payload, options };
}

/** The value may hold a password, so it is not shown. */
function checkedRedisUrl(given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  if (isRedisUrl(given)) return given;
  const shown = given === '' ? '' : '(something else)';
  throw new DefinitionError('createTasks', 'redisUrl', shown, 'redis://host:port or rediss://host:port');
}

function option(name: string, given: number, min: number, max: number): number {
  if (given >= min && given <= max) return given;
  throw new DefinitionError('createTasks', name, given, `a number from ${min} to ${max}`);
}
