import type { TaskLogger } from '../types';
import { describe } from './describe';

/** How an attempt that this process ran ended, as the ledger has it. */
export type AttemptOutcome = 'done' | 'dead' | 'cancelled' | 'parked' | 'retried' | 'snoozed';

/** One attempt's end. Comes after it is in the ledger; a process that dies in between tells nobody. */
export interface AttemptEvent {
  readonly taskId: string;
  readonly name: string;
  readonly queue: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly outcome: AttemptOutcome;
  /** From the claim to the written end, in milliseconds. */
  readonly durationMs: number;
  /** What the attempt failed with, as it was thrown; undefined when it is done. */
  readonly error: unknown;
  /** W3C traceparent of whoever accepted the task. */
  readonly trace: string | undefined;
}

/**
 * What can be listened to: every attempt's end (`attempt`), the task's own end (`ended`: done, dead or cancelled), an
 * attempt that failed (`failed`: retried or dead), or one outcome.
 */
export type TaskEventName = 'attempt' | 'ended' | 'failed' | AttemptOutcome;
export type TaskListener = (event: AttemptEvent) => unknown;

const WIDER: Readonly<Record<AttemptOutcome, readonly TaskEventName[]>> = {
  done: ['ended'],
  dead: ['ended', 'failed'],
  cancelled: ['ended'],
  parked: [],
  retried: ['failed'],
  snoozed: [],
};

/** Tells listeners of this process how attempts of this process ended. None of them can hurt another, or a task. */
export class TaskEvents {
  private readonly listeners = new Map<TaskEventName, Set<{ readonly listen: TaskListener }>>();

  constructor(private readonly logger: TaskLogger) {}

  /** @returns what ends it. The same function may listen several times. */
  on(name: TaskEventName, listen: TaskListener): () => void {
    const subscription = { listen };
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(subscription));
    return () => {
      listeners.delete(subscription);
      if (listeners.size === 0 && this.listeners.get(name) === listeners) this.listeners.delete(name);
    };
  }

  /** True when nobody listens to anything. */
  get silent(): boolean {
    return this.listeners.size === 0;
  }

  emit(event: AttemptEvent): void {
    for (const name of ['attempt', event.outcome, ...WIDER[event.outcome]] as const) {
      for (const { listen } of [...(this.listeners.get(name) ?? [])]) this.tell(listen, name, event);
    }
  }

  private tell(listen: TaskListener, name: TaskEventName, event: AttemptEvent): void {
    const complain = (error: unknown): void => {
      const fields = { task: event.taskId, event: name };
      try {
        this.logger.error({ ...fields, err: error }, 'a listener to task events failed');
      } catch {
        this.logger.error({ ...fields, err: new Error(describe(error)) }, 'a listener to task events failed');
      }
    };
    try {
      const returned = listen(event);
      if (returned instanceof Promise) returned.catch(complain);
    } catch (error) {
      complain(error);
    }
  }
}
