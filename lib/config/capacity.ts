import { INSTANCE_FAMILIES, instanceType } from './instance-types';
import type { InstanceType } from './instance-types';
import { inResolved } from './locate';
import type { Locate } from './locate';
import { instancesInAnyOrder } from './packing';
import type { StageConfiguration } from './stage-configuration';
import { together } from './warnings';
import type { StageFindings } from './warnings';

/** What one task takes from an instance, its sidecars included, and how many of it there are. */
export interface TaskSize {
  /** `web`, `workers.<kind>`, `scheduler` or `migration`. */
  readonly process: string;
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly min: number;
  readonly max: number;
  /** Whether it runs on the fleet's Spot instances. */
  readonly spot: boolean;
  /**
   * Whether a rollout needs room for a whole second set: busy containers with scale-in protection step aside only once
   * the new deployment runs in full (docs/adr/0008).
   */
  readonly secondSet: boolean;
}

interface Sized {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

/**
 * What the container that measures Celery's queues (lib/stateless/celery-metrics.ts) takes of its instance besides the
 * scheduler. Python with celery and redis-py holds 41 MiB; the rest is for 500 messages that are read at a time.
 */
export const CELERY_METRICS_SIZE = { cpuUnits: 16, memoryMiB: 96 } as const;

/** The size of each process's task. The migration counts as one that may run at any time. */
export function taskSizes(configuration: StageConfiguration): readonly TaskSize[] {
  const { web, workers, scheduler, migration, taskEngine } = configuration;
  const size = (
    process: string,
    { cpuUnits, memoryMiB, sidecars = {} }: Sized & { readonly sidecars?: Readonly<Record<string, Sized>> },
    scale: Pick<TaskSize, 'min' | 'max' | 'spot' | 'secondSet'>,
  ): TaskSize => {
    const beside = Object.values(sidecars);
    return {
      process,
      cpuUnits: beside.reduce((sum, sidecar) => sum + sidecar.cpuUnits, cpuUnits),
      memoryMiB: beside.reduce((sum, sidecar) => sum + sidecar.memoryMiB, memoryMiB),
      ...scale,
    };
  };
  const one = { min: 1, max: 1, spot: false, secondSet: false };
  return [
    size('web', web, { ...web.scaling, spot: false, secondSet: false }),
    ...Object.entries(workers).map(([kind, worker]) =>
      size(`workers.${kind}`, worker, {
        ...worker.scaling,
        spot: worker.spot,
        secondSet: taskEngine === 'holdfast' && worker.scaleInProtection,
      }),
    ),
    ...(scheduler === undefined
      ? []
      : [size('scheduler', taskEngine === 'celery' ? measured(scheduler) : scheduler, one)]),
    ...(migration === undefined ? [] : [size('migration', migration, one)]),
  ];
}

function measured<Process extends { readonly sidecars: Readonly<Record<string, Sized>> }>(process: Process) {
  return { ...process, sidecars: { ...process.sidecars, 'celery-metrics': CELERY_METRICS_SIZE } };
}

/** Each task as often as it runs at its smallest or largest scale. */
export function times(tasks: readonly TaskSize[], scale: 'min' | 'max'): readonly TaskSize[] {
  return tasks.flatMap((task) => Array.from({ length: task[scale] }, () => task));
}

/** All processes at their largest scale, and a second set of those that need one in a rollout. */
function inRollout(tasks: readonly TaskSize[]): readonly TaskSize[] {
  return [...times(tasks, 'max'), ...times(tasks, 'max').filter(({ secondSet }) => secondSet)];
}

/**
 * New copies of a process that a rollout can start at once on the on-demand instances, all others at their largest
 * scale, and the instances that more copies would need. Undefined where capacity is refused anyway.
 */
export function rolloutRoom(
  configuration: StageConfiguration,
  process: string,
): { readonly copies: number; readonly instancesFor: (copies: number) => number } | undefined {
  const { fleet } = configuration;
  const type = instanceType(fleet.instanceType);
  const tasks = taskSizes(configuration).filter(({ spot }) => !spot);
  const task = tasks.find((each) => each.process === process);
  if (type === undefined || task === undefined) return undefined;
  const before = inRollout(tasks);
  const instancesFor = (copies: number) =>
    instancesInAnyOrder(
      [...before, ...Array.from({ length: copies }, () => task)],
      type,
      tasksOn(type, configuration),
    ) ?? Infinity;
  let copies = 0;
  while (copies < task.max && instancesFor(copies + 1) <= fleet.max) copies += 1;
  return copies === 0 ? undefined : { copies, instancesFor };
}

/** Whether the fleet can hold the processes, in a rollout too. */
export function checkCapacity(configuration: StageConfiguration, locate: Locate = inResolved): StageFindings {
  const { fleet } = configuration;
  const sizes = taskSizes(configuration);
  const spotTypes = fleet.spot?.instanceTypes ?? [];
  return together(
    checkFleet(
      configuration,
      [fleet.instanceType],
      sizes.filter(({ spot }) => !spot),
      { types: ['fleet', 'instanceType'], max: ['fleet', 'max'], instances: fleet.max },
      locate,
    ),
    checkArchitectures(configuration, locate),
    fleet.spot === undefined
      ? {}
      : checkFleet(
          configuration,
          spotTypes,
          sizes.filter(({ spot }) => spot),
          { types: ['fleet', 'spot', 'instanceTypes'], max: ['fleet', 'spot', 'max'], instances: fleet.spot.max },
          locate,
        ),
  );
}

interface FleetPlaces {
  readonly types: readonly string[];
  readonly max: readonly string[];
  readonly instances: number;
}

function checkFleet(
  configuration: StageConfiguration,
  names: readonly string[],
  tasks: readonly TaskSize[],
  places: FleetPlaces,
  locate: Locate,
): Partial<StageFindings> {
  const types = names.map((name) => ({ name, type: instanceType(name) }));
  const unknown = types.filter(({ type }) => type === undefined);
  if (unknown.length > 0) {
    const allowed = `one of the families ${INSTANCE_FAMILIES.join(', ')} in a size from nano (t) or medium to 8xlarge`;
    return {
      mistakes: unknown.map(
        ({ name }) =>
          `${locate(...places.types)} is "${name}", which is not known here; allowed is ${allowed}: take one of them, or add it to lib/config/instance-types.ts.`,
      ),
    };
  }
  const known = types.flatMap(({ type }) => (type === undefined ? [] : [type]));
  const tooLarge = known.flatMap((type) => tasks.flatMap((task) => tooLargeFor(task, type, locate)));
  if (tooLarge.length > 0) return { mistakes: tooLarge };
  return together(...known.map((type) => checkRoom(configuration, type, tasks, places, locate)));
}

function tooLargeFor({ process, cpuUnits, memoryMiB }: TaskSize, type: InstanceType, locate: Locate): string[] {
  const at = process.split('.');
  const sizes = [
    { key: 'memoryMiB', needed: memoryMiB, most: type.usableMemoryMiB },
    { key: 'cpuUnits', needed: cpuUnits, most: type.cpuUnits },
  ];
  return sizes
    .filter(({ needed, most }) => needed > most)
    .map(
      ({ key, needed, most }) =>
        `${locate(...at, key)} is ${needed} with its sidecars; allowed is at most ${most}, what a ${type.name} has for tasks: lower it, or take a larger instance type.`,
    );
}

/**
 * Every process at its largest scale, a second set of the kinds that need one, and a new copy of the largest other one,
 * which a rollout with 100 % minimum healthy starts before it stops an old one: without room the deployment hangs.
 */
function checkRoom(
  configuration: StageConfiguration,
  type: InstanceType,
  tasks: readonly TaskSize[],
  places: FleetPlaces,
  locate: Locate,
): Partial<StageFindings> {
  const [largest] = tasks
    .filter(({ secondSet, process }) => !secondSet && process !== 'migration')
    .sort((a, b) => b.memoryMiB - a.memoryMiB);
  const all = [...inRollout(tasks), ...(largest === undefined ? [] : [largest])];
  const limit = tasksOn(type, configuration);
  const needed = instancesInAnyOrder(all, type, limit) ?? Infinity;
  const grown = tasks.filter(({ max, min }) => max > min).map(({ process }) => process);
  if (needed > places.instances) {
    const each = `${type.name} has ${type.usableMemoryMiB} MiB and ${type.cpuUnits} CPU units for ${limit === Infinity ? 'tasks' : `at most ${limit} tasks`}`;
    const lower = grown.length === 0 ? 'take a larger instance type' : `lower scaling.max of ${grown.join(' or ')}`;
    const bridge = limit === Infinity ? '' : ", or set networkMode 'bridge'";
    const second = tasks.filter(({ secondSet }) => secondSet).map(({ process }) => process);
    const held = [
      'all processes at their largest scale',
      ...(second.length === 0
        ? []
        : [`a second set of ${second.join(' and ')}, whose busy containers leave a rollout only when it runs in full`]),
      ...(largest === undefined ? [] : [`a new copy of ${largest.process}`]),
    ];
    return {
      mistakes: [
        `${locate(...places.max)} is ${places.instances}; allowed is at least ${needed}, which hold, however they are spread, ${held.join('; ')} (${each}): raise it, or ${lower}${bridge}.`,
      ],
    };
  }
  const withoutTrunking = instancesInAnyOrder(
    all,
    type,
    configuration.fleet.networkMode === 'awsvpc' ? type.awsvpcTasks : limit,
  );
  if (withoutTrunking !== undefined && withoutTrunking <= places.instances) return {};
  return {
    warnings: [
      {
        id: 'holdfast:awsvpc-trunking',
        text: `${type.name} holds ${type.awsvpcTasks} tasks in network mode awsvpc, or ${limit} when the account setting awsvpcTrunking is on, which this stage needs: turn it on before the instances start.`,
      },
    ],
  };
}

/** Tasks that an instance can hold by its network interfaces; bridge mode needs none for tasks. */
export function tasksOn(type: InstanceType, { fleet }: StageConfiguration): number {
  return fleet.networkMode === 'bridge' ? Infinity : (type.awsvpcTasksWithTrunking ?? type.awsvpcTasks);
}

/** The image is built for one architecture. */
function checkArchitectures({ fleet }: StageConfiguration, locate: Locate): Partial<StageFindings> {
  const own = instanceType(fleet.instanceType)?.architecture;
  const others = (fleet.spot?.instanceTypes ?? []).filter((name) => {
    const architecture = instanceType(name)?.architecture;
    return own !== undefined && architecture !== undefined && architecture !== own;
  });
  return {
    mistakes: others.map(
      (name) =>
        `${locate('fleet', 'spot', 'instanceTypes')} has "${name}"; allowed are types of the architecture of ${fleet.instanceType}, ${own ?? ''}, because there is one image: replace it.`,
    ),
  };
}
