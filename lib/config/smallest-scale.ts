import { taskSizes, tasksOn, times } from './capacity';
import { instanceType } from './instance-types';
import type { InstanceType } from './instance-types';
import { packInstances } from './packing';
import type { StageConfiguration } from './stage-configuration';

/** Instances that the processes need at their smallest scale, or fleet.min if that is more. */
export function instancesAtSmallestScale(configuration: StageConfiguration): number {
  const type = instanceType(configuration.fleet.instanceType);
  if (type === undefined) return configuration.fleet.min;
  return Math.max(configuration.fleet.min, packedAtSmallestScale(configuration, type, false));
}

/** Spot instances of a type that the workers on Spot need at their smallest scale. */
export function spotInstancesAtSmallestScale(configuration: StageConfiguration, typeName: string): number {
  const type = instanceType(typeName);
  return type === undefined ? 0 : packedAtSmallestScale(configuration, type, true);
}

function packedAtSmallestScale(configuration: StageConfiguration, type: InstanceType, onSpot: boolean): number {
  const tasks = taskSizes(configuration).filter(({ spot, process }) => spot === onSpot && process !== 'migration');
  return packInstances(times(tasks, 'min'), type, tasksOn(type, configuration)) ?? 0;
}

/**
 * Instances that a rollout of all processes at once needs besides those of the smallest scale: a new container starts
 * before an old one ends. One that a container stays on is not given back afterwards.
 */
export function moreInstancesInRollout(configuration: StageConfiguration): number {
  const type = instanceType(configuration.fleet.instanceType);
  if (type === undefined) return 0;
  const tasks = taskSizes(configuration).filter(({ spot, process }) => !spot && process !== 'migration');
  const both = [...times(tasks, 'min'), ...times(tasks, 'min')];
  const needed = packInstances(both, type, tasksOn(type, configuration)) ?? 0;
  return Math.max(0, needed - instancesAtSmallestScale(configuration));
}
