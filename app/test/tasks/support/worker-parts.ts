import { Acceptor } from '../../../src/tasks/accepting/acceptor';
import { Dispatcher } from '../../../src/tasks/dispatching/dispatcher';
import { zeroCounters } from '../../../src/tasks/metrics';
import type { WorkerParts } from '../../../src/tasks/worker';
import { DisturbedLedger } from './disturbed-ledger';
import { recordingLogger } from './recording-logger';
import type { RecordingLogger } from './recording-logger';

export interface TestParts extends WorkerParts {
  readonly ledger: DisturbedLedger;
  readonly control: DisturbedLedger;
  readonly logger: RecordingLogger;
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
  return {
    ledger,
    control,
    redisUrl: undefined,
    redis: undefined,
    dispatcher,
    acceptor: new Acceptor(ledger, dispatcher, counters),
    counters,
    logger,
    window,
    heartbeatSeconds: options.heartbeatSeconds ?? leaseSeconds / 3,
    leaseSeconds,
    close: async () => {
      await ledger.close();
      await control.close();
    },
  };
}
