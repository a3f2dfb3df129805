import type { Client } from 'pg';
import type { TaskHandler } from '../../../src/tasks';
import { Acceptor } from '../../../src/tasks/accepting/acceptor';
import { Claimer } from '../../../src/tasks/claiming/claimer';
import type { ClaimedTask } from '../../../src/tasks/claiming/claimer';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { QueueRelay, RELAY_STATEMENTS } from '../../../src/tasks/dispatching/queue-relay';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { ExternalStore } from '../../../src/tasks/external/external-store';
import { Finisher } from '../../../src/tasks/finishing/finisher';
import { RedisKeys } from '../../../src/tasks/lanes';
import type { Lane } from '../../../src/tasks/lanes';
import { Lease } from '../../../src/tasks/leases/lease';
import type { Ledger } from '../../../src/tasks/ledger/ledger';
import { loadStatements } from '../../../src/tasks/ledger/statements';
import { zeroCounters } from '../../../src/tasks/metrics';
import { TaskEvents } from '../../../src/tasks/running/events';
import { InHand } from '../../../src/tasks/running/in-hand';
import { ProgressWriter } from '../../../src/tasks/running/progress-writer';
import { Runner } from '../../../src/tasks/running/runner';
import { LogWriter } from '../../../src/tasks/task-log/log-writer';
import { connectionRefused, DisturbedLedger } from './disturbed-ledger';
import { recordingLogger } from './recording-logger';
import { LEASE } from './statements';
import { until } from './until';

/** The name of its connections to PostgreSQL. */
export const STEPPED = 'stepped';

/** An engine of the real parts without the loops between them: the test takes each step, so their order never changes. */
export interface SteppedEngine {
  readonly lane: Lane;
  readonly ledger: Ledger;
  readonly acceptor: Acceptor;
  readonly claimer: Claimer;
  readonly lease: Lease;
  readonly relay: QueueRelay;
  /** The relay's. */
  readonly session: Client;
  lead(): Promise<void>;
  /** Resolves when what `accept` accepted was handed over, or left to the relay. */
  handingOver<T>(accept: () => Promise<T>): Promise<T>;
  take(): Promise<string[]>;
  /** Resolves when the handlers have returned and all ends are written. */
  run(tasks: readonly ClaimedTask[]): Promise<void>;
  /** Signs off. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

export interface SteppedEngineOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly epoch: string;
  readonly queue: string;
  readonly handlers: readonly TaskHandler[];
}

/** So long that no step of a test outlasts them. */
const LEASE_OPTIONS = { leaseSeconds: 60, heartbeatSeconds: 30 };
const FAREWELL_MS = 5_000;
const WINDOW = 1_000;

export async function steppedEngine(options: SteppedEngineOptions): Promise<SteppedEngine> {
  const { postgresUrl, redisUrl, epoch, queue, handlers } = options;
  const logger = recordingLogger();
  const counters = zeroCounters();
  const postgres = { connectionString: postgresUrl, max: 2, application_name: STEPPED };
  const ledger = new DisturbedLedger(postgres, LEASE_OPTIONS.leaseSeconds, logger);
  // It comes with the clock, not with the steps.
  ledger.before(LEASE.reconcile, connectionRefused);
  const connection = (name: string): RedisConnection =>
    new RedisConnection(redisUrl, { name, silenceMs: 5_000, logger });
  const [redis, takes] = [connection('commands'), connection('take')];
  const dispatcher = new Dispatcher(redis, ledger, WINDOW, counters);
  const acceptor = new Acceptor(ledger, dispatcher, counters);
  const kinds = handlers.map(({ definition: { name, version } }) => `${name}@${version}`);
  const lane: Lane = { queue, priority: 1 };
  const keys = new RedisKeys(epoch);
  const inHand = new InHand();
  const finisher = new Finisher(ledger, (fn) => acceptor.transaction(fn), inHand, counters, logger);
  const common = { ledger, counters, logger, inHand, concurrency: 1 };
  const ended = new Map<ClaimedTask, () => void>();
  const runner = new Runner({
    ...common,
    ...{ finisher, acceptor },
    handlers: new Map(handlers.map((handler, i) => [kinds[i]!, handler])),
    onHung: () => undefined,
    onEnded: (task) => ended.get(task)?.(),
    progress: new ProgressWriter(finisher, logger),
    logWriter: new LogWriter(ledger, logger),
    externalStore: new ExternalStore(ledger),
    events: new TaskEvents(logger),
  });
  const lease = new Lease({
    ...{ ...common, ...LEASE_OPTIONS, kinds, queues: [queue], workerKind: 'default' },
    describe: () => ({ running: runner.running, source: 'redis', draining: false, hung: false }),
    onHung: () => undefined,
    onLost: () => undefined,
    onGivenBack: (items) => dispatcher.push(items),
  });
  const statements = loadStatements(`${__dirname}/../../../src/tasks/dispatching`, 'relay.sql', RELAY_STATEMENTS);
  const relay = new QueueRelay(queue, keys, statements, {
    ...{ ledger, redis, dispatcher, counters, logger, queues: [queue], window: WINDOW },
  });
  const session = ledger.dedicated({});
  session.on('error', () => undefined);
  await session.connect();
  await until('Redis answers', () => redis.ready && takes.ready);
  const handed = (): number => counters.dispatched + counters.dispatchSkipped;
  return {
    ...{ lane, ledger, acceptor, claimer: new Claimer(ledger, kinds, [queue]), lease, relay, session },
    lead: async () => {
      await session.query(statements.lead, [queue]);
    },
    handingOver: async (accept) => {
      const before = handed();
      const accepted = await accept();
      await until('it was handed over', () => handed() > before);
      return accepted;
    },
    take: () => takes.take([keys.list(lane)], 1, 1),
    run: async (tasks) => {
      for (const task of tasks) {
        const end = new Promise<void>((resolve) => ended.set(task, resolve));
        runner.start(task);
        await end;
      }
    },
    leave: () => {
      ledger.heal();
      return lease.end(FAREWELL_MS);
    },
    close: async () => {
      await runner.drain(0);
      await lease.end(0);
      for (const one of [redis, takes]) one.close();
      await session.end().catch(() => undefined);
      await ledger.close();
    },
  };
}
