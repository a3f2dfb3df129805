import { forgetRequestKeys } from './accepting/request-keys';
import { Claimer } from './claiming/claimer';
import type { ClaimedTask } from './claiming/claimer';
import { LaneOrder } from './claiming/lane-order';
import { SuspectTaker } from './claiming/suspect-taker';
import { Slots } from './claiming/slots';
import { Taker } from './claiming/taker';
import { DefinitionError, HungHandlerError } from './errors';
import { isValidName, kindsOf, nameRule } from './definition';
import type { Acceptor } from './accepting/acceptor';
import type { Dispatcher } from './dispatching/dispatcher';
import { RedisConnection } from './dispatching/redis-connection';
import { Relay } from './dispatching/relay';
import { ExternalStore } from './external/external-store';
import { Finisher } from './finishing/finisher';
import { Promoter } from './flows/promoter';
import { flowSweep } from './flows/sweep';
import { RedisKeys } from './lanes';
import type { Ledger } from './ledger/ledger';
import { Lease } from './leases/lease';
import { Reaper } from './leases/reaper';
import { LimitedClaimer } from './limiting/limited-claimer';
import { LimitedTaker } from './limiting/limited-taker';
import type { Counters } from './metrics';
import { pruneChore } from './maintaining/prune-chore';
import type { Retention } from './maintaining/retention';
import { Housekeeper } from './maintaining/housekeeper';
import type { Chore } from './maintaining/housekeeper';
import { within } from './pause';
import { InHand } from './running/in-hand';
import type { TaskEvents } from './running/events';
import { ProgressWriter } from './running/progress-writer';
import { Runner } from './running/runner';
import { tickChore } from './scheduling/tick-chore';
import { shelveChore, unshelveChore } from './shelving/shelving.chores';
import type { StopOptions, TaskLogger, Worker, WorkerOptions } from './types';
import { LogWriter } from './task-log/log-writer';
import { orphanLinesChore } from './task-log/orphans.chore';

export interface WorkerParts {
  readonly ledger: Ledger;
  /** For heartbeats and reaping: connections of their own, so that no load can keep a heartbeat waiting. */
  readonly control: Ledger;
  readonly redisUrl: string | undefined;
  /** For the relay's commands; takes have a connection of their own. */
  readonly redis: RedisConnection | undefined;
  readonly dispatcher: Dispatcher;
  readonly acceptor: Acceptor;
  readonly counters: Counters;
  readonly events: TaskEvents;
  readonly logger: TaskLogger;
  readonly window: number;
  readonly heartbeatSeconds: number;
  readonly leaseSeconds: number;
  readonly retention: Required<Retention>;
}

/** How long handlers may take to obey when the drain's deadline has passed. */
const OBEY_MS = 2_000;
/** How long the last words may take: past it, others find out when the lease ends. */
const SIGN_OFF_MS = 3_000;
/** A take waits a second in Redis; past this without an answer the server is gone. */
const TAKE_SILENCE_MS = 3_000;

/** One worker: takes tasks, runs them in slots, keeps its lease, relays its queues and reaps others. */
export class TaskWorker implements Worker {
  private readonly inHand = new InHand();
  private readonly lease: Lease;
  private readonly runner: Runner;
  private readonly taker: Taker;
  private readonly suspects: SuspectTaker;
  private readonly limitedTaker: LimitedTaker;
  private readonly finisher: Finisher;
  private readonly promoter: Promoter;
  private readonly progress: ProgressWriter;
  private readonly logWriter: LogWriter;
  private readonly reaper: Reaper;
  private readonly relay: Relay | undefined;
  private readonly housekeeper: Housekeeper;
  private readonly hurry = new AbortController();
  private draining = false;
  private paused = false;
  private hung = false;
  readonly failed: Promise<HungHandlerError>;
  private fail: (error: HungHandlerError) => void = () => undefined;
  private deadlineMs = Infinity;
  private stopped: Promise<void> | undefined;

  /** Checks the options, registers the worker and starts taking tasks. @throws DefinitionError */
  static async start(parts: WorkerParts, options: WorkerOptions): Promise<TaskWorker> {
    const worker = new TaskWorker(parts, checked(options), new RedisKeys(await parts.ledger.epoch()));
    await worker.lease.begin().catch(async (error: unknown) => {
      await Promise.all(worker.takers().map((taker) => taker.stop()));
      throw error;
    });
    worker.reaper.start();
    worker.relay?.start();
    worker.housekeeper.start();
    for (const taker of worker.takers()) taker.start();
    return worker;
  }

  private constructor(
    private readonly parts: WorkerParts,
    options: Required<WorkerOptions>,
    keys: RedisKeys,
  ) {
    this.failed = new Promise((resolve) => (this.fail = resolve));
    const { ledger, control, acceptor, dispatcher, counters, logger, redis } = parts;
    const handlers = new Map(
      options.handlers.flatMap((handler) => kindsOf(handler.definition).map((one) => [one, handler])),
    );
    const kinds = [...handlers.keys()];
    const queues = options.queues.map((queue) => queue.name);
    const { concurrency, kind } = options;
    this.promoter = new Promoter(parts);
    const { promoter } = this;
    const transaction: Acceptor['transaction'] = (fn) => acceptor.transaction(fn);
    this.finisher = new Finisher(ledger, transaction, this.inHand, counters, logger, (id) => promoter.ended(id));
    this.progress = new ProgressWriter(this.finisher, logger);
    this.logWriter = new LogWriter(ledger, logger);
    const { inHand, finisher, progress } = this;
    const onHung = (task?: ClaimedTask): void => this.distrust(new HungHandlerError(task));
    this.runner = new Runner({
      ...{ handlers, concurrency, inHand, finisher, acceptor, progress, logger, ledger, onHung },
      onEnded: (task) => this.limitedTaker.ended(task.queue),
      logWriter: this.logWriter,
      externalStore: new ExternalStore(ledger),
      events: parts.events,
    });
    this.lease = new Lease({
      ...parts,
      ledger: control,
      inHand,
      queues,
      kinds,
      concurrency,
      workerKind: kind,
      describe: () => ({
        running: this.runner.running,
        source: this.taker.source,
        draining: this.draining || this.paused || this.hung,
        hung: this.hung,
      }),
      onHung,
      onLost: () => inHand.all().forEach((attempt) => inHand.abandon(attempt)),
      onGivenBack: (items) => dispatcher.putBack(items),
    });
    const claiming = {
      claimer: new Claimer(ledger, kinds, queues),
      limits: new LimitedClaimer(ledger, kinds, queues),
      slots: new Slots(this.runner),
      lease: this.lease,
      runner: this.runner,
      ...{ counters, logger },
      giveBack: async (claimed: readonly ClaimedTask[]) => dispatcher.putBack(await finisher.giveBack(claimed)),
    };
    this.limitedTaker = new LimitedTaker(claiming);
    this.suspects = new SuspectTaker({ ...claiming, limited: () => this.limitedTaker.suspects });
    this.taker = new Taker({
      ...claiming,
      closed: () => this.limitedTaker.closed,
      redis:
        parts.redisUrl === undefined
          ? undefined
          : new RedisConnection(parts.redisUrl, { name: 'take', silenceMs: TAKE_SILENCE_MS, logger }),
      keys,
      order: new LaneOrder(options.queues.map(({ name, weight }) => ({ name, weight: weight ?? 1 }))),
    });
    this.reaper = new Reaper({ ...parts, ledger: control, aside: ledger, workerId: () => this.lease.id });
    this.relay = redis === undefined ? undefined : new Relay({ ...parts, redis, queues });
    this.housekeeper = new Housekeeper(chores(parts), parts);
  }

  get id(): string {
    return this.lease.id;
  }

  get running(): number {
    return this.inHand.size;
  }

  async pause(): Promise<void> {
    this.paused = true;
    await Promise.all(this.takers().map((taker) => taker.pause()));
    // Whoever counts workers that take tasks need not wait for the next heartbeat.
    await this.lease.beat().catch(() => undefined);
  }

  resume(): void {
    this.paused = false;
    if (this.hung) return;
    for (const taker of this.takers()) taker.resume();
  }

  stop(options: StopOptions = {}): Promise<void> {
    const deadlineMs = performance.now() + (options.deadlineSeconds ?? 20) * 1000;
    if (deadlineMs < this.deadlineMs) {
      this.deadlineMs = deadlineMs;
      this.hurry.abort();
    }
    this.stopped ??= this.drain();
    return this.stopped;
  }

  /** A handler does not come back: nothing more is taken, and whoever started the worker is told. */
  private distrust(error: HungHandlerError): void {
    if (this.hung) return;
    this.hung = true;
    this.parts.logger.error({ worker: this.id, err: error }, 'worker takes no more tasks: a handler hangs');
    void Promise.all(this.takers().map((taker) => taker.pause()));
    void this.lease.beat().catch(() => undefined);
    this.fail(error);
  }

  private async drain(): Promise<void> {
    const { logger } = this.parts;
    this.draining = true;
    logger.info({ worker: this.id, running: this.runner.running }, 'worker stops taking tasks and drains');
    let taking = true;
    void Promise.all(this.takers().map((taker) => taker.stop())).finally(() => {
      taking = false;
      this.runner.notify();
    });
    const relayStopped = Promise.all([this.relay?.stop(), this.housekeeper.stop()]);
    void this.lease.beat().catch(() => undefined);
    await this.untilDeadline(() => taking || this.inHand.size > 0);
    for (const taker of this.takers()) taker.abandon();
    const leftovers = await this.runner.drain(OBEY_MS);
    const signOffMs = performance.now() + SIGN_OFF_MS;
    if (leftovers.length > 0) await this.giveBack(leftovers);
    const leftMs = signOffMs - performance.now();
    const stopped = Promise.all([relayStopped, this.reaper.stop(), this.logWriter.stop(), this.promoter.stop()]);
    await Promise.all([this.lease.end(leftMs), within(leftMs, stopped)]);
    logger.info({ worker: this.id }, 'worker stopped');
  }

  /** Everything that claims tasks for this worker. */
  private takers(): (Taker | SuspectTaker | LimitedTaker)[] {
    return [this.taker, this.suspects, this.limitedTaker];
  }

  private async giveBack(tasks: readonly ClaimedTask[]): Promise<void> {
    const { logger, dispatcher } = this.parts;
    const answer = this.finisher.giveBack(tasks).catch((error: unknown) => {
      logger.debug({ err: error }, 'giving back failed');
      return undefined;
    });
    const givenBack = await within(SIGN_OFF_MS / 2, answer);
    const fields = { worker: this.id, tasks: givenBack?.length ?? tasks.length };
    if (givenBack === undefined) {
      logger.warn(fields, 'drain deadline passed: what runs goes back when the worker signs off, or its lease ends');
    } else if (givenBack.length > 0) {
      dispatcher.putBack(givenBack);
      logger.warn(fields, 'drain deadline passed: running tasks were given back');
    }
  }

  /** Resolves when nothing is busy, or at the deadline (which a second `stop` may have brought forward). */
  private async untilDeadline(busy: () => boolean): Promise<void> {
    while (busy() && performance.now() < this.deadlineMs) {
      // Half a second at most, so that a deadline brought forward is seen.
      await this.runner.changedWithin(Math.min(500, this.deadlineMs - performance.now()));
    }
  }
}

/** What the ledger needs from time to time; one file a chore, in the folder of its concept. */
function chores({ retention, logger }: WorkerParts): Chore[] {
  const keys = [tickChore(), forgetRequestKeys()];
  return [pruneChore(retention), orphanLinesChore(), ...keys, flowSweep(logger), unshelveChore(), shelveChore(logger)];
}

function checked(options: WorkerOptions): Required<WorkerOptions> {
  const concurrency = options.concurrency ?? 10;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000) {
    throw new DefinitionError('worker', 'concurrency', concurrency, 'a whole number from 1 to 1000');
  }
  const kind = options.kind ?? 'default';
  if (!isValidName(kind)) throw new DefinitionError('worker', 'kind', kind, nameRule);
  if (options.queues.length === 0) throw new DefinitionError('worker', 'queues', [], 'at least one queue');
  for (const { name, weight } of options.queues) {
    if (!isValidName(name)) throw new DefinitionError('worker', 'queues', name, nameRule);
    if (weight !== undefined && !(weight > 0 && weight <= 100)) {
      throw new DefinitionError('worker', `weight of queue ${name}`, weight, 'a number over 0, at most 100');
    }
  }
  const kinds = options.handlers.flatMap((handler) => kindsOf(handler.definition));
  const twice = kinds.find((kind, i) => kinds.indexOf(kind) !== i);
  if (twice !== undefined)
    throw new DefinitionError('worker', 'handlers', twice, 'one handler for each name and version');
  return { handlers: options.handlers, queues: options.queues, concurrency, kind };
}
