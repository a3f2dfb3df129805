import { CONNECTIONS_BEYOND_POOL } from '../../app/src/contract';
import { drainBudget } from './drain-budget';
import { isRdsClass, rdsClassesOf } from './check-database';
import { instanceType } from './instance-types';
import { inResolved } from './locate';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

export interface ConnectionLine {
  /** `web`, `workers.<kind>`, `scheduler`, `migration` or `reserved`. */
  readonly process: string;
  readonly containersAtMost: number;
  /** How many times as many there are while a rollout lasts. */
  readonly overlap: number;
  readonly connectionsEach: number;
  readonly connections: number;
}

export interface ConnectionBudget {
  readonly maxConnections: number;
  readonly lines: readonly ConnectionLine[];
  /** Sum of the lines. */
  readonly connections: number;
  /** Of maxConnections, 0 to 1 and beyond. */
  readonly share: number;
  readonly mistakes: readonly string[];
}

/** Share of max_connections that may be planned for; the rest is for people, monitoring and what a crash leaves open. */
const CONNECTION_SHARE = 0.8;

/** Connections of max_connections that may be planned for: 80 %, rounded down. */
export function plannedConnections(max: number): number {
  return Math.floor(max * CONNECTION_SHARE);
}

/**
 * Stop time-out, in seconds, from which a further deploy is likely to start while the last one's old containers still
 * drain with their connections open.
 */
export const LONG_DRAIN_SECONDS = 900;
/** The services' maximumPercent 200: a rollout may run twice the containers. */
const ROLLOUT_OVERLAP = 2;
/** PostgreSQL's superuser_reserved_connections, which is 3 unless set. */
const RESERVED = 3;
/** Smallest and largest DATABASE_POOL_SIZE that the app takes (app/src/configuration/variables.ts). */
export const SMALLEST_POOL = 4;
export const LARGEST_POOL = 200;

/**
 * The max_connections that the stateful stack sets for an RDS class, so that what is checked here is what is deployed:
 * RDS's own default LEAST(DBInstanceClassMemory / 9531392, 5000), with the class's listed memory. RDS deducts some
 * memory first, so its own default would be lower: about 85 on 1 GiB, where this sets 112 and plans for 89.
 * Source: RDS guide, "Quotas and constraints", maximum number of database connections.
 */
export function maxConnections(instanceClass: string): number | undefined {
  const type = isRdsClass(instanceClass) ? instanceType(instanceClass) : undefined;
  return type && Math.min(5_000, Math.floor((type.memoryMiB * 1_048_576) / 9_531_392));
}

/**
 * DATABASE_POOL_SIZE of a process: its databaseConnections without those that the task engine opens beside the pool.
 * Other engines open none.
 */
export function databasePoolSize(
  { taskEngine }: StageConfiguration,
  kind: 'web' | 'worker' | 'scheduler',
  databaseConnections: number,
): number {
  return databaseConnections - (taskEngine === 'holdfast' ? CONNECTIONS_BEYOND_POOL[kind] : 0);
}

/** Counts the connections that all containers may open at the largest scale, in the middle of a rollout. */
export function connectionBudget(configuration: StageConfiguration, locate: Locate = inResolved): ConnectionBudget {
  const { database, web, workers, scheduler, migration } = configuration;
  const max = 'existing' in database ? database.existing.maxConnections : maxConnections(database.instanceClass);
  const lines = [
    line('web', web.scaling.max, ROLLOUT_OVERLAP, web.databaseConnections),
    ...Object.entries(workers).map(([kind, { scaling, databaseConnections }]) =>
      line(`workers.${kind}`, scaling.max, ROLLOUT_OVERLAP, databaseConnections),
    ),
    ...(scheduler ? [line('scheduler', 1, schedulerOverlap(configuration), scheduler.databaseConnections)] : []),
    ...(migration ? [line('migration', 1, 1, CONNECTIONS_BEYOND_POOL.migration)] : []),
    line('reserved', 1, 1, RESERVED),
  ];
  const connections = lines.reduce((sum, each) => sum + each.connections, 0);
  const budget = { maxConnections: max ?? 0, lines, connections, share: max === undefined ? 0 : connections / max };
  return {
    ...budget,
    mistakes: [
      ...poolMistakes(configuration, locate),
      ...shareMistakes(configuration, budget, locate),
      ...furtherMistakes(configuration, budget, locate),
    ],
  };
}

/** Two schedulers at once are harmless only with ticks that are unique, so others' have a rollout without overlap. */
function schedulerOverlap({ taskEngine }: StageConfiguration): number {
  return taskEngine === 'holdfast' ? ROLLOUT_OVERLAP : 1;
}

function line(process: string, containersAtMost: number, overlap: number, connectionsEach: number): ConnectionLine {
  const connections = containersAtMost * overlap * connectionsEach;
  return { process, containersAtMost, overlap, connectionsEach, connections };
}

function poolMistakes(configuration: StageConfiguration, locate: Locate): string[] {
  if (configuration.taskEngine !== 'holdfast') return [];
  const { web, workers, scheduler } = configuration;
  const processes = [
    { at: ['web'], kind: 'web' as const, given: web.databaseConnections },
    ...Object.entries(workers).map(([name, worker]) => ({
      at: ['workers', name],
      kind: 'worker' as const,
      given: worker.databaseConnections,
    })),
    ...(scheduler ? [{ at: ['scheduler'], kind: 'scheduler' as const, given: scheduler.databaseConnections }] : []),
  ];
  return processes.flatMap(({ at, kind, given }) => {
    const beyond = CONNECTIONS_BEYOND_POOL[kind];
    const [least, most] = [SMALLEST_POOL + beyond, LARGEST_POOL + beyond];
    const beside = beyond > 0 ? `, and the task engine opens ${beyond} beside it` : '';
    return given >= least && given <= most
      ? []
      : [
          `${locate(...at, 'databaseConnections')} is ${given}; allowed is ${least} to ${most}: the pool needs ${SMALLEST_POOL} to ${LARGEST_POOL}${beside}.`,
        ];
  });
}

function shareMistakes(
  { database }: StageConfiguration,
  budget: Omit<ConnectionBudget, 'mistakes'>,
  locate: Locate,
): string[] {
  const { maxConnections: max, connections, lines } = budget;
  const allowed = plannedConnections(max);
  if (max === 0 || connections <= allowed) return [];
  const [largest] = [...lines].sort((a, b) => b.connections - a.connections);
  const next = 'existing' in database ? undefined : nextClass(database.instanceClass, connections);
  const lower =
    largest &&
    `lower scaling.max or databaseConnections of ${largest.process} (${largest.containersAtMost} containers, ${largest.overlap} times in a rollout, ${largest.connectionsEach} each: ${largest.connections})`;
  const mend = [lower, next && `take instanceClass '${next.name}' with ${next.max}`].filter(Boolean).join(', or ');
  return [
    `${serverIs(database, max, locate)}, and the processes open up to ${connections}; allowed are ${allowed}, 80 %: ${mend}.`,
  ];
}

/** A third generation of what drains for long may use what the plan leaves free, but no more than there is. */
function furtherMistakes(
  configuration: StageConfiguration,
  { maxConnections: max, connections, lines }: Omit<ConnectionBudget, 'mistakes'>,
  locate: Locate,
): string[] {
  if (max === 0 || connections > plannedConnections(max)) return [];
  const { budget } = drainBudget(configuration);
  const long = Object.entries(budget.workers)
    .filter(([, { stopTimeoutSeconds }]) => stopTimeoutSeconds > LONG_DRAIN_SECONDS)
    .map(([kind]) => `workers.${kind}`);
  const third = lines
    .filter(({ process }) => long.includes(process))
    .reduce((sum, { containersAtMost, connectionsEach }) => sum + containersAtMost * connectionsEach, 0);
  if (connections + third <= max) return [];
  return [
    `${serverIs(configuration.database, max, locate)}, and the processes open up to ${connections + third} when a further deploy starts while ${long.join(' and ')} of the one before still drains; allowed are ${max}: lower scaling.max, databaseConnections or handlerSeconds of ${long.join(' or ')}, or take a larger instance class.`,
  ];
}

function serverIs(database: StageConfiguration['database'], max: number, locate: Locate): string {
  return 'existing' in database
    ? `${locate('database', 'existing', 'maxConnections')} is ${max}`
    : `${locate('database', 'instanceClass')} is "${database.instanceClass}" with ${max} connections`;
}

function nextClass(instanceClass: string, connections: number): { name: string; max: number } | undefined {
  const [family = ''] = instanceClass.split('.');
  for (const name of rdsClassesOf(family)) {
    const max = maxConnections(name);
    if (max !== undefined && connections <= plannedConnections(max)) return { name, max };
  }
  return undefined;
}
