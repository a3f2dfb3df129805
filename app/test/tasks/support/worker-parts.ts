import { Acceptor } from '../../../src/tasks/accepting/acceptor';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { checkedRetention } from '../../../src/tasks/maintaining/retention';
import { zeroCounters } from '../../../src/tasks/metrics';
import type { WorkerOptions } from '../../../src/tasks';
import { TaskEvents } from '../../../src/tasks/running/events';
import { TaskWorker } from '../../../src/tasks/worker';
import type { WorkerParts } from '../../../src/tasks/worker';
import { DisturbedLedger } from './disturbed-ledger';
import { recordingLogger } from './recording-logger';
import type { RecordingLogger } from './recording-logger';

export interface TestParts extends WorkerParts {
  readonly ledger: DisturbedLedger;
  readonly control: DisturbedLedger;
  readonly logger: RecordingLogger;
  /** Starts a worker of these parts, stopped with them. */
  startWorker(options: WorkerOptions): Promise<TaskWorker>;
  /** Undisturbed again, stops the workers and closes every connection. */
  close(): Promise<void>;
}

export interface PartsOptions {
  readonly leaseSeconds?: number;
  readonly heartbeatSeconds?: number;
  /** Connections for tasks. */
  readonly max?: number;
}

/** What a worker without Redis is made of, with ledgers that the test can disturb. */
export function workerParts(url: string, options: PartsOptions = {}): TestParts {
  const leaseSeconds = options.leaseSeconds ?? 15;
  const logger = recordingLogger();
  const ledger = new DisturbedLedger({ connectionString: url, max: options.max ?? 5 }, leaseSeconds, logger);
  const control = new DisturbedLedger({ connectionString: url, max: 2 }, leaseSeconds, logger);
  const counters = zeroCounters();
  const window = 1_000;
  const dispatcher = new Dispatcher(undefined, ledger, window, counters);
  const workers: TaskWorker[] = [];
  const parts: WorkerParts = {
    ledger,
    control,
    redisUrl: undefined,
    redis: undefined,
    dispatcher,
    acceptor: new Acceptor(ledger, dispatcher, counters),
    counters,
    events: new TaskEvents(logger),
    logger,
    window,
    heartbeatSeconds: options.heartbeatSeconds ?? leaseSeconds / 3,
    leaseSeconds,
    retention: checkedRetention(),
  };
  return {
    ...parts,
    ledger,
    control,
    logger,
    startWorker: async (workerOptions) => {
      const worker = await TaskWorker.start(parts, workerOptions);
      workers.push(worker);
      return worker;
    },
    close: async () => {
      ledger.heal();
      control.heal();
      await Promise.all(workers.map((worker) => worker.stop({ deadlineSeconds: 0 })));
      await ledger.close();
      await control.close();
    },
  };
}
