import { DRAIN_RULES, GIVE_BACK_SECONDS, MARGIN_SECONDS } from './drain-rules';
import { inResolved } from './locate';
import type { Locate } from './locate';
import type { StageConfiguration, WorkerConfiguration } from './stage-configuration';

/** Seconds that a container has after SIGTERM. */
export interface StopBudget {
  /** From SIGTERM until the process gives up what still runs (DRAIN_SECONDS). */
  readonly drainSeconds: number;
  /** From SIGTERM until SIGKILL (the container's stopTimeout). */
  readonly stopTimeoutSeconds: number;
}

export interface WebDrain extends StopBudget {
  /** The longest that a request may take. */
  readonly requestSeconds: number;
  /** The target group's deregistration delay; it elapses before SIGTERM. */
  readonly deregistrationSeconds: number;
}

export interface WorkerDrain extends StopBudget {
  /** The longest time limit of the kind's handlers. */
  readonly handlerSeconds: number;
}

/** The chain of time-outs that lets work finish when its container or instance must go. All in seconds. */
export interface DrainBudget {
  readonly web: WebDrain;
  readonly workers: Readonly<Record<string, WorkerDrain>>;
  /** Filled in also where there is no scheduler. */
  readonly scheduler: StopBudget;
}

/**
 * The stage's drain budget with every default filled in, and the rules of drain-rules.ts that it breaks, one sentence
 * each with the smallest value that would do. A worker's drain is its handlers' limit and 10 s, or 10 s where it gives
 * tasks back; the load balancer waits for the longest request; SIGKILL comes 10 s after the drain.
 */
export function drainBudget(
  configuration: StageConfiguration,
  locate: Locate = inResolved,
): { readonly budget: DrainBudget; readonly mistakes: readonly string[] } {
  const workers = Object.entries(configuration.workers).map(([kind, worker]) => [kind, workerDrain(worker)] as const);
  const budget: DrainBudget = {
    web: webDrain(configuration),
    workers: Object.fromEntries(workers),
    scheduler: stopBudget(configuration.scheduler, GIVE_BACK_SECONDS),
  };
  return { budget, mistakes: DRAIN_RULES.flatMap(({ check }) => check({ configuration, budget, locate })) };
}

interface GivenStop {
  readonly drainSeconds?: number | undefined;
  readonly stopTimeoutSeconds?: number | undefined;
}

function stopBudget(given: GivenStop | undefined, defaultDrainSeconds: number): StopBudget {
  const drainSeconds = given?.drainSeconds ?? defaultDrainSeconds;
  return { drainSeconds, stopTimeoutSeconds: given?.stopTimeoutSeconds ?? drainSeconds + MARGIN_SECONDS };
}

function webDrain({ web }: StageConfiguration): WebDrain {
  const { requestSeconds } = web;
  const deregistrationSeconds = web.deregistrationSeconds ?? requestSeconds;
  const uncovered = requestSeconds - deregistrationSeconds;
  return { requestSeconds, deregistrationSeconds, ...stopBudget(web, Math.max(0, uncovered) + MARGIN_SECONDS) };
}

function workerDrain(worker: WorkerConfiguration): WorkerDrain {
  const { handlerSeconds, onDrain } = worker;
  const drain = onDrain === 'finish' ? handlerSeconds + MARGIN_SECONDS : GIVE_BACK_SECONDS;
  return { handlerSeconds, ...stopBudget(worker, drain) };
}
