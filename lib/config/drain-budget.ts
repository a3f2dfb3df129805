import {
  CLOSING_SECONDS,
  GIVE_BACK_SECONDS,
  MARGIN_SECONDS,
  SPOT_STOP_SECONDS,
  STOP_LIMIT_SECONDS,
} from './drain-rules';
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
  readonly scheduler: StopBudget;
}

/**
 * The stage's drain budget with every default filled in, and the rules of drain-rules.ts that it breaks, one sentence
 * each with the smallest value that would do.
 */
export function drainBudget(
  configuration: StageConfiguration,
  locate: Locate = inResolved,
): { readonly budget: DrainBudget; readonly mistakes: readonly string[] } {
  const workers = Object.entries(configuration.workers).map(([kind, worker]) => ({
    kind,
    worker,
    drain: workerDrain(worker),
  }));
  const budget: DrainBudget = {
    web: webDrain(configuration),
    workers: Object.fromEntries(workers.map(({ kind, drain }) => [kind, drain])),
    scheduler: stopBudget(configuration.scheduler, GIVE_BACK_SECONDS),
  };
  return {
    budget,
    mistakes: [
      ...webMistakes(budget.web, locate),
      ...workers.flatMap(({ kind, worker, drain }) => workerMistakes(configuration, kind, worker, drain, locate)),
      ...stopMistakes(budget.scheduler, ['scheduler'], locate),
    ],
  };
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
  const deregistrationSeconds = web.deregistrationSeconds ?? Math.max(0, requestSeconds - (web.drainSeconds ?? 0));
  const left = requestSeconds + MARGIN_SECONDS - deregistrationSeconds;
  return { requestSeconds, deregistrationSeconds, ...stopBudget(web, Math.max(MARGIN_SECONDS, left)) };
}

function workerDrain(worker: WorkerConfiguration): WorkerDrain {
  const { handlerSeconds, onDrain } = worker;
  const drain = onDrain === 'finish' ? handlerSeconds + MARGIN_SECONDS : GIVE_BACK_SECONDS;
  return { handlerSeconds, ...stopBudget(worker, drain) };
}

function webMistakes(web: WebDrain, locate: Locate): string[] {
  const { requestSeconds, deregistrationSeconds, drainSeconds } = web;
  const mistakes = stopMistakes(web, ['web'], locate);
  if (requestSeconds > deregistrationSeconds + drainSeconds) {
    mistakes.push(
      `${locate('web', 'deregistrationSeconds')} is ${deregistrationSeconds} with requestSeconds ${requestSeconds} and drainSeconds ${drainSeconds}; allowed is at least ${requestSeconds - drainSeconds}: raise it, or open requests are cut.`,
    );
  }
  return mistakes;
}

function workerMistakes(
  { taskEngine, celery }: StageConfiguration,
  kind: string,
  worker: WorkerConfiguration,
  drain: WorkerDrain,
  locate: Locate,
): string[] {
  const at = ['workers', kind];
  const { handlerSeconds, drainSeconds, stopTimeoutSeconds } = drain;
  const finish = worker.onDrain === 'finish';
  const mistakes = stopMistakes(drain, at, locate);
  if (finish && handlerSeconds >= drainSeconds) {
    mistakes.push(
      `${locate(...at, 'drainSeconds')} is ${drainSeconds} with handlerSeconds ${handlerSeconds} and onDrain 'finish'; allowed is at least ${handlerSeconds + 1}: raise it, or set onDrain 'give-back'.`,
    );
  }
  if (worker.spot && stopTimeoutSeconds > SPOT_STOP_SECONDS) {
    mistakes.push(
      `${locate(...at, 'stopTimeoutSeconds')} is ${stopTimeoutSeconds} with spot true; allowed is at most ${SPOT_STOP_SECONDS}, because a Spot instance goes after two minutes: ${finish ? "set onDrain 'give-back' or spot false" : 'lower drainSeconds'}.`,
    );
  }
  const longest = Math.max(handlerSeconds, drainSeconds);
  if (taskEngine === 'celery' && celery.visibilityTimeoutSeconds <= longest) {
    mistakes.push(
      `${locate('celery', 'visibilityTimeoutSeconds')} is ${celery.visibilityTimeoutSeconds} with ${locate(...at, 'handlerSeconds')} ${handlerSeconds} and drainSeconds ${drainSeconds}; allowed is at least ${longest + 1}: raise it, or Redis hands running tasks out again.`,
    );
  }
  return mistakes;
}

function stopMistakes({ drainSeconds, stopTimeoutSeconds }: StopBudget, at: readonly string[], locate: Locate) {
  const mistakes: string[] = [];
  if (stopTimeoutSeconds < drainSeconds + CLOSING_SECONDS) {
    mistakes.push(
      `${locate(...at, 'stopTimeoutSeconds')} is ${stopTimeoutSeconds} with drainSeconds ${drainSeconds}; allowed is at least ${drainSeconds + CLOSING_SECONDS}: raise it, or lower drainSeconds.`,
    );
  }
  if (stopTimeoutSeconds > STOP_LIMIT_SECONDS) {
    mistakes.push(
      `${locate(...at, 'stopTimeoutSeconds')} is ${stopTimeoutSeconds} with drainSeconds ${drainSeconds}; allowed is at most ${STOP_LIMIT_SECONDS}: set onDrain 'give-back', or split the work into shorter tasks.`,
    );
  }
  return mistakes;
}
