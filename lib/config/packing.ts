import type { InstanceType } from './instance-types';

/** What a task takes from an instance. */
export interface Load {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

/**
 * Instances that hold all tasks when each takes the first that has room, the largest first; Amazon ECS packs by memory
 * in the same way within a zone, so one more may be in use while it spreads over zones. Undefined when some task fits
 * on none.
 * @param tasksEach how many tasks an instance holds at most, whatever their size.
 */
export function packInstances(tasks: readonly Load[], type: InstanceType, tasksEach: number): number | undefined {
  const instances: { cpuUnits: number; memoryMiB: number; tasks: number }[] = [];
  for (const { cpuUnits, memoryMiB } of [...tasks].sort((a, b) => b.memoryMiB - a.memoryMiB)) {
    if (cpuUnits > type.cpuUnits || memoryMiB > type.usableMemoryMiB || tasksEach < 1) return undefined;
    let free = instances.find(
      (each) => each.cpuUnits >= cpuUnits && each.memoryMiB >= memoryMiB && each.tasks < tasksEach,
    );
    if (free === undefined) {
      free = { cpuUnits: type.cpuUnits, memoryMiB: type.usableMemoryMiB, tasks: 0 };
      instances.push(free);
    }
    free.cpuUnits -= cpuUnits;
    free.memoryMiB -= memoryMiB;
    free.tasks += 1;
  }
  return instances.length;
}
