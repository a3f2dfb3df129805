/** What a task of this benchmark carries. */
export interface Payload {
  readonly n: number;
  /** When it was handed over for accepting, in ms of the machine's monotonic clock; see `clockMs`. */
  readonly at: number;
}

/** How tasks are handed over. */
export type AcceptMode = 'single' | 'coalesced' | 'batch';

/** Hands tasks over. Each promise resolves when the system answers for the tasks, as a caller would wait for it. */
export interface Producer {
  /** One task in a transaction (or command) of its own. */
  single(payload: Payload): Promise<unknown>;
  /** One task, in whatever company the system gives it. */
  coalesced(payload: Payload): Promise<unknown>;
  /** All or none. */
  batch(payloads: readonly Payload[]): Promise<unknown>;
  close(): Promise<void>;
}

/** Works tasks off, in this process. */
export interface Consumer {
  /** Resolves when the worker is set up; it takes tasks from here on. */
  start(): Promise<void>;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
  /** Tasks since the process began whose end is written in the system's store. */
  completed(): number;
  close(): Promise<void>;
}

/** One of the systems compared. */
export interface Contender {
  openProducer(addresses: Addresses): Promise<Producer>;
  openConsumer(addresses: Addresses, handler: (payload: Payload) => void): Promise<Consumer>;
}

export interface Addresses {
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

/** Tasks that one worker process runs at the same time. */
export const CONCURRENCY = 200;
/** Callers that each wait for their own task before they hand over the next. */
export const SINGLE_CALLERS = 50;
/** The same for the coalesced mode: as many requests at once as a busy web process has under way. */
export const COALESCED_CALLERS = 1_000;
/** Callers in batch mode, each with one batch under way. */
export const BATCH_CALLERS = 4;
export const BATCH_SIZE = 100;

export const CONTENDERS = ['holdfast', 'bullmq'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** One clock for all processes of this machine, unlike `performance.now()`: CLOCK_MONOTONIC, in ms. */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
