import { INSTANCE_FAMILIES, instanceType } from './instance-types';
import type { InstanceType } from './instance-types';
import { inResolved } from './locate';
import type { Locate } from './locate';
import { packInstances } from './packing';
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
}

interface Sized {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

/** The container that measures Celery's queues beside the scheduler (lib/stateless/celery-metrics.ts). */
const CELERY_METRICS = { cpuUnits: 16, memoryMiB: 96 } as const;

/** The size of each process's task. The migration counts as one that may run at any time. */
export function taskSizes(configuration: StageConfiguration): readonly TaskSize[] {
  const { web, workers, scheduler, migration, taskEngine } = configuration;
  const size = (
    process: string,
    { cpuUnits, memoryMiB, sidecars = {} }: Sized & { readonly sidecars?: Readonly<Record<string, Sized>> },
    scale: Pick<TaskSize, 'min' | 'max' | 'spot'>,
  ): TaskSize => {
    const beside = Object.values(sidecars);
    return {
      process,
      cpuUnits: beside.reduce((sum, sidecar) => sum + sidecar.cpuUnits, cpuUnits),
      memoryMiB: beside.reduce((sum, sidecar) => sum + sidecar.memoryMiB, memoryMiB),
      ...scale,
    };
  };
  const one = { min: 1, max: 1, spot: false };
  return [
    size('web', web, { ...web.scaling, spot: false }),
    ...Object.entries(workers).map(([kind, worker]) =>
      size(`workers.${kind}`, worker, { ...worker.scaling, spot: worker.spot }),
    ),
    ...(scheduler === undefined
      ? []
      : [size('scheduler', taskEngine === 'celery' ? measured(scheduler) : scheduler, one)]),
    ...(migration === undefined ? [] : [size('migration', migration, one)]),
  ];
}

function measured<Process extends { readonly sidecars: Readonly<Record<string, Sized>> }>(process: Process) {
  return { ...process, sidecars: { ...process.sidecars, 'celery-metrics': CELERY_METRICS } };
}

/** Instances that the processes need at their smallest scale, or fleet.min if that is more. */
export function instancesAtSmallestScale(configuration: StageConfiguration): number {
  const type = instanceType(configuration.fleet.instanceType);
  if (type === undefined) return configuration.fleet.min;
  const tasks = taskSizes(configuration).filter(({ spot, process }) => !spot && process !== 'migration');
  const scaled = tasks.flatMap((task) => Array.from({ length: task.min }, () => task));
  return Math.max(configuration.fleet.min, packInstances(scaled, type, tasksOn(type, configuration)) ?? 0);
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
 * Every process at its largest scale and a new copy of the largest one, which a rollout with 100 % minimum healthy
 * starts before it stops an old one: without room for it the deployment hangs.
 */
function checkRoom(
  configuration: StageConfiguration,
  type: InstanceType,
  tasks: readonly TaskSize[],
  places: FleetPlaces,
  locate: Locate,
): Partial<StageFindings> {
  const [largest] = [...tasks].sort((a, b) => b.memoryMiB - a.memoryMiB);
  if (largest === undefined) return {};
  const all = [...tasks.flatMap((task) => Array.from({ length: task.max }, () => task)), largest];
  const limit = tasksOn(type, configuration);
  const needed = packInstances(all, type, limit) ?? Infinity;
  const grown = tasks.filter(({ max, min }) => max > min).map(({ process }) => process);
  if (needed > places.instances) {
    const each = `${type.name} has ${type.usableMemoryMiB} MiB and ${type.cpuUnits} CPU units for ${limit === Infinity ? 'tasks' : `at most ${limit} tasks`}`;
    const lower = grown.length === 0 ? 'take a larger instance type' : `lower scaling.max of ${grown.join(' or ')}`;
    const bridge = limit === Infinity ? '' : ", or set networkMode 'bridge'";
    return {
      mistakes: [
        `${locate(...places.max)} is ${places.instances}; allowed is at least ${needed}, which hold all processes at their largest scale and the new copy of one that a rollout starts (${each}): raise it, or ${lower}${bridge}.`,
      ],
    };
  }
  const withoutTrunking = packInstances(
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
function tasksOn(type: InstanceType, { fleet }: StageConfiguration): number {
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
