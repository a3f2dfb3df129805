import { ENVIRONMENT } from '../../app/src/contract';
import { rolloutRoom, taskSizes } from './capacity';
import type { DrainBudget, StopBudget, WorkerDrain } from './drain-budget';
import type { Locate } from './locate';
import type { StageConfiguration, WorkerConfiguration } from './stage-configuration';

/** Seconds between the limit of what runs and the end of the drain, and from there to SIGKILL, when nothing is said. */
export const MARGIN_SECONDS = 10;
/** Drain of what need not finish: seconds to give running tasks back. */
export const GIVE_BACK_SECONDS = 10;
/** Seconds that a process may take to close its connections after the drain (app/src/process/lifecycle.ts). */
export const CLOSING_SECONDS = 5;
/** Longest stop time-out, in seconds: a rollout that waits longer meets CloudFormation's 3 h. */
export const STOP_LIMIT_SECONDS = 7_200;
/** Seconds that CloudFormation waits for a service to be steady: 3 h. Source: CloudFormation guide, AWS::ECS::Service. */
const STEADY_SECONDS = 10_800;
/** Of these, seconds kept for new instances and containers to start. */
const START_SECONDS = 1_800;
/** Seconds that the rounds of a rollout may take to stop old containers. */
export const ROUNDS_LIMIT_SECONDS = STEADY_SECONDS - START_SECONDS;
/** Longest DRAIN_SECONDS that the app takes, in seconds (app/src/configuration/variables.ts). */
export const APP_DRAIN_LIMIT_SECONDS = 3_600;
/** Longest stop time-out on Spot: two minutes' notice less ten seconds until Amazon ECS has seen it. */
export const SPOT_STOP_SECONDS = 110;
/** Seconds that a draining instance waits for its tasks: 48 h. */
export const INSTANCE_DRAINING_SECONDS = 172_800;
/** Seconds of lease and heartbeat where the environment says nothing (app/src/configuration/variables.ts). */
const LEASE_SECONDS = 15;
const HEARTBEAT_SECONDS = 5;

export interface DrainContext {
  readonly configuration: StageConfiguration;
  readonly budget: DrainBudget;
  readonly locate: Locate;
}

/** A rule of the drain budget; docs/drain-budget.md shows them as a table. */
export interface DrainRule {
  readonly id: string;
  readonly sentence: string;
  readonly why: string;
  readonly source: string;
  /** One sentence for each place that breaks the rule, with the smallest value that would do. */
  readonly check: (context: DrainContext) => readonly string[];
}

export const DRAIN_RULES: readonly DrainRule[] = [
  {
    id: 'request-fits',
    sentence: 'web.requestSeconds <= web.deregistrationSeconds + web.drainSeconds',
    why: 'the load balancer sends nothing new, waits out the deregistration delay, and only then does Amazon ECS send SIGTERM; a request that both do not cover is cut',
    source: 'Elastic Load Balancing guide, "Deregistration delay"',
    check: ({ budget: { web }, locate }) => {
      const { requestSeconds, deregistrationSeconds, drainSeconds } = web;
      if (requestSeconds <= deregistrationSeconds + drainSeconds) return [];
      return [
        `${locate('web', 'deregistrationSeconds')} is ${deregistrationSeconds} with requestSeconds ${requestSeconds} and drainSeconds ${drainSeconds}; allowed is at least ${requestSeconds - drainSeconds}: raise it, or lower requestSeconds.`,
      ];
    },
  },
  {
    id: 'handler-fits',
    sentence: "workers.*.handlerSeconds < workers.*.drainSeconds with onDrain 'finish'",
    why: 'a task that started just before SIGTERM ends where it runs; with `give-back` it may be longer, because it is started anew elsewhere',
    source: 'app/src/tasks/worker.ts; Celery guide, "Soft shutdown"',
    check: (context) =>
      ofWorkers(context, ({ worker, drain, at, locate }) => {
        const { handlerSeconds, drainSeconds } = drain;
        if (worker.onDrain !== 'finish' || handlerSeconds < drainSeconds) return [];
        return [
          `${locate(...at, 'drainSeconds')} is ${drainSeconds} with handlerSeconds ${handlerSeconds} and onDrain 'finish'; allowed is at least ${handlerSeconds + 1}: raise it, or set onDrain 'give-back'.`,
        ];
      }),
  },
  {
    id: 'closing-fits',
    sentence: `*.drainSeconds + ${CLOSING_SECONDS} <= *.stopTimeoutSeconds`,
    why: 'after the drain a process gives back what still runs and closes its connections; SIGKILL in between leaves its tasks to the lease',
    source: 'app/src/process/lifecycle.ts; ECS guide, "stopTimeout"',
    check: (context) =>
      ofProcesses(context, ({ drain, at, locate }) => {
        const least = drain.drainSeconds + CLOSING_SECONDS;
        if (drain.stopTimeoutSeconds >= least) return [];
        return [
          `${locate(...at, 'stopTimeoutSeconds')} is ${drain.stopTimeoutSeconds} with drainSeconds ${drain.drainSeconds}; allowed is at least ${least}: raise it, or lower drainSeconds.`,
        ];
      }),
  },
  {
    id: 'app-limit',
    sentence: `*.drainSeconds <= ${APP_DRAIN_LIMIT_SECONDS} with taskEngine 'holdfast'`,
    why: 'the app refuses to start with more',
    source: 'app/src/configuration/variables.ts',
    check: (context) =>
      context.configuration.taskEngine === 'holdfast'
        ? ofProcesses(context, ({ drain, at, locate, given }) => {
            if (drain.drainSeconds <= APP_DRAIN_LIMIT_SECONDS) return [];
            const place = drainPlace(drain, given.drainSeconds);
            return [
              `${locate(...at, place.key)} is ${place.value}, so the process would drain for ${drain.drainSeconds} s; allowed is at most ${APP_DRAIN_LIMIT_SECONDS - place.over}: ${place.mend}.`,
            ];
          })
        : [],
  },
  {
    id: 'stop-limit',
    sentence: `*.stopTimeoutSeconds <= ${STOP_LIMIT_SECONDS}`,
    why: 'on EC2 Amazon ECS itself knows no limit (120 s is that of Fargate), but CloudFormation gives up a service that is not steady after 3 h',
    source: 'ECS guide, "stopTimeout"; CloudFormation guide, AWS::ECS::Service',
    check: (context) =>
      ofProcesses(context, ({ drain, at, locate, given }) => {
        if (drain.stopTimeoutSeconds <= STOP_LIMIT_SECONDS) return [];
        const place = drainPlace(drain, given.drainSeconds);
        return [
          `${locate(...at, place.key)} is ${place.value}, so the container would need ${drain.stopTimeoutSeconds} s to stop; allowed is at most ${STOP_LIMIT_SECONDS - MARGIN_SECONDS - place.over}: ${place.mend}.`,
        ];
      }),
  },
  {
    id: 'rollout-fits',
    sentence: `ceil(*.scaling.max / new copies that fit at once) x *.stopTimeoutSeconds <= ${ROUNDS_LIMIT_SECONDS}`,
    why: 'where fleet.max has room for a few new copies only, a rollout goes in rounds, each as long as an old container takes to stop (web: deregistration too), within the 3 h of CloudFormation less 30 min for starts. A kind with scale-in protection has room for a whole second set and takes one round; so does Spot, where old ones stop first',
    source: 'lib/config/capacity.ts; CloudFormation guide, AWS::ECS::Service',
    check: (context) => ofProcesses(context, (process) => roundMistakes(context.configuration, process)),
  },
  {
    id: 'instance-waits',
    sentence: `*.stopTimeoutSeconds < ${INSTANCE_DRAINING_SECONDS} (48 h)`,
    why: 'a draining instance waits that long for its tasks before it ends',
    source: 'ECS guide, "Managed instance draining"',
    check: (context) =>
      ofProcesses(context, ({ drain, at, locate }) => {
        if (drain.stopTimeoutSeconds < INSTANCE_DRAINING_SECONDS) return [];
        return [
          `${locate(...at, 'stopTimeoutSeconds')} is ${drain.stopTimeoutSeconds}; allowed is at most ${STOP_LIMIT_SECONDS}: lower it.`,
        ];
      }),
  },
  {
    id: 'spot-notice',
    sentence: `workers.*.stopTimeoutSeconds <= ${SPOT_STOP_SECONDS} with spot`,
    why: 'a Spot instance goes two minutes after its notice, whatever still runs; ten seconds pass until Amazon ECS has seen it',
    source: 'EC2 guide, "Spot Instance interruption notices"',
    check: (context) =>
      ofWorkers(context, ({ worker, drain, at, locate }) => {
        if (!worker.spot || drain.stopTimeoutSeconds <= SPOT_STOP_SECONDS) return [];
        const mend =
          worker.onDrain === 'finish'
            ? `set onDrain 'give-back', or lower handlerSeconds to ${SPOT_STOP_SECONDS - 2 * MARGIN_SECONDS}`
            : `lower drainSeconds to ${SPOT_STOP_SECONDS - MARGIN_SECONDS}`;
        return [
          `${locate(...at, 'spot')} is true with a stop time-out of ${drain.stopTimeoutSeconds} s; allowed is at most ${SPOT_STOP_SECONDS}: ${mend}.`,
        ];
      }),
  },
  {
    id: 'celery-visibility',
    sentence:
      "celery.visibilityTimeoutSeconds > workers.*.handlerSeconds and workers.*.drainSeconds with taskEngine 'celery'",
    why: 'Redis hands an unacknowledged task out again after that time, while it still runs',
    source: 'Celery guide, "Using Redis", visibility timeout',
    check: (context) =>
      context.configuration.taskEngine === 'celery'
        ? ofWorkers(context, ({ drain, at, locate }) => {
            const { visibilityTimeoutSeconds } = context.configuration.celery;
            const longest = Math.max(drain.handlerSeconds, drain.drainSeconds);
            if (visibilityTimeoutSeconds > longest) return [];
            return [
              `${locate('celery', 'visibilityTimeoutSeconds')} is ${visibilityTimeoutSeconds} with handlerSeconds ${drain.handlerSeconds} and drainSeconds ${drain.drainSeconds} of ${at.join('.')}; allowed is at least ${longest + 1}: raise it.`,
            ];
          })
        : [],
  },
  {
    id: 'lease-and-heartbeat',
    sentence: `${ENVIRONMENT.leaseSeconds} >= 2 x ${ENVIRONMENT.heartbeatSeconds} with taskEngine 'holdfast'`,
    why: 'a lease outlives one lost heartbeat; it is kept alive through the drain, so the drain may be longer, and a killed worker costs its tasks the lease and 5 s',
    source: 'app/src/tasks/README.md',
    check: (context) =>
      context.configuration.taskEngine === 'holdfast'
        ? ofProcesses(context, ({ given: { environment }, at, locate }) => {
            const lease = environment[ENVIRONMENT.leaseSeconds] ?? String(LEASE_SECONDS);
            const heartbeat = environment[ENVIRONMENT.heartbeatSeconds] ?? String(HEARTBEAT_SECONDS);
            if (Number(lease) >= 2 * Number(heartbeat)) return [];
            return [
              `${locate(...at, 'environment', ENVIRONMENT.leaseSeconds)} is ${lease} with ${ENVIRONMENT.heartbeatSeconds} ${heartbeat}; allowed is at least two heartbeats: raise it, or lower ${ENVIRONMENT.heartbeatSeconds}.`,
            ];
          })
        : [],
  },
];

function roundMistakes(
  configuration: StageConfiguration,
  { at, drain, locate }: Process<StopBudget | WorkerDrain>,
): string[] {
  const process = at.join('.');
  const task = taskSizes(configuration).find((each) => each.process === process);
  if (task === undefined || task.spot || task.secondSet) return [];
  const seconds =
    drain.stopTimeoutSeconds + ('deregistrationSeconds' in drain ? Number(drain.deregistrationSeconds) : 0);
  const most = Math.floor(ROUNDS_LIMIT_SECONDS / seconds);
  const room = rolloutRoom(configuration, process);
  // A single round that is too long breaks a rule of its own.
  if (room === undefined || most < 1) return [];
  const rounds = Math.ceil(task.max / room.copies);
  if (rounds <= most) return [];
  const needed = room.instancesFor(Math.ceil(task.max / most));
  return [
    `${locate('fleet', 'max')} is ${configuration.fleet.max}, so a rollout of ${process} goes in ${rounds} rounds of ${seconds} s (${task.max} containers, room for ${room.copies} new at once); allowed is at most ${ROUNDS_LIMIT_SECONDS} s in all, or CloudFormation gives up: raise it to ${needed}, or lower scaling.max of ${process}.`,
  ];
}

/** The value that decides a drain: the process's own drainSeconds, else the limit of its handlers. */
function drainPlace(drain: StopBudget | WorkerDrain, given: number | undefined) {
  const mend = 'handlerSeconds' in drain ? "split the work, or set onDrain 'give-back'" : 'lower it';
  return given === undefined && 'handlerSeconds' in drain
    ? { key: 'handlerSeconds', value: drain.handlerSeconds, over: MARGIN_SECONDS, mend }
    : { key: 'drainSeconds', value: drain.drainSeconds, over: 0, mend };
}

interface Process<Drain extends StopBudget> {
  readonly at: readonly string[];
  readonly drain: Drain;
  /** What the configuration itself says. */
  readonly given: {
    readonly drainSeconds?: number | undefined;
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly locate: Locate;
}

function ofWorkers(
  { configuration, budget, locate }: DrainContext,
  check: (process: Process<WorkerDrain> & { readonly worker: WorkerConfiguration }) => readonly string[],
): string[] {
  return Object.entries(configuration.workers).flatMap(([kind, worker]) => {
    const drain = budget.workers[kind];
    return drain === undefined ? [] : check({ at: ['workers', kind], drain, given: worker, worker, locate });
  });
}

function ofProcesses(
  context: DrainContext,
  check: (process: Process<StopBudget | WorkerDrain>) => readonly string[],
): string[] {
  const { configuration, budget, locate } = context;
  const { web, scheduler } = configuration;
  return [
    ...check({ at: ['web'], drain: budget.web, given: web, locate }),
    ...ofWorkers(context, check),
    ...(scheduler === undefined ? [] : check({ at: ['scheduler'], drain: budget.scheduler, given: scheduler, locate })),
  ];
}
