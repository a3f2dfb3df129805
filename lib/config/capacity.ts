import { instanceType } from './instance-types';
import type { InstanceType } from './instance-types';
import { inResolved } from './locate';
import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';

/** What one task takes from an instance, its sidecars included. */
export interface TaskSize {
  /** `web`, `workers.<kind>`, `scheduler` or `migration`. */
  readonly process: string;
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

/** The memory and CPU of each process's task. */
export function taskSizes(configuration: StageConfiguration): readonly TaskSize[] {
  void configuration;
  return [];
}

/** Whether the fleet can hold the processes, one sentence for each thing that it cannot. */
export function capacityMistakes(configuration: StageConfiguration, locate: Locate = inResolved): readonly string[] {
  const type: InstanceType | undefined = instanceType(configuration.fleet.instanceType);
  return type === undefined ? [`${locate('fleet', 'instanceType')} is unknown.`] : [];
}
