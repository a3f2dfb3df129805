import type { InstanceType } from './instance-types';

/** What a task takes from an instance. */
export interface Load {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
}

/**
 * Instances that hold all tasks when each takes the first that has room, the largest first: about what is in use, and
 * what the estimate of the cost counts. Amazon ECS packs by memory in the same way within a zone, so one more may be in
 * use while it spreads over zones. Undefined when some task fits on none.
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

/**
 * Instances on which the last of the tasks still finds room, wherever Amazon ECS has put the others: it spreads over
 * zones before it packs, and what scaled in leaves gaps. The lower of two bounds that both hold for any placement: every
 * task counted as large as the largest; and, for each size, the instances that the others can fill so far that it finds
 * no room there. Undefined when some task fits on none.
 * @param tasksEach how many tasks an instance holds at most, whatever their size.
 */
export function instancesInAnyOrder(tasks: readonly Load[], type: InstanceType, tasksEach: number): number | undefined {
  if (tasks.length === 0) return 0;
  const memories = tasks.map(({ memoryMiB }) => memoryMiB);
  const cpus = tasks.map(({ cpuUnits }) => cpuUnits);
  const fit = (capacity: number, sizes: readonly number[]) => Math.floor(capacity / Math.max(...sizes));
  const each = Math.min(fit(type.usableMemoryMiB, memories), fit(type.cpuUnits, cpus), tasksEach);
  if (each < 1) return undefined;
  const sizes = new Map(tasks.map((task) => [`${task.memoryMiB}/${task.cpuUnits}`, task]));
  const filled = [...sizes.values()].map(
    ({ memoryMiB, cpuUnits }) =>
      filledFor(memoryMiB, memories, type.usableMemoryMiB) +
      filledFor(cpuUnits, cpus, type.cpuUnits) +
      Math.floor((tasks.length - 1) / tasksEach),
  );
  return Math.min(Math.ceil(tasks.length / each), 1 + Math.max(...filled));
}

/** Instances that all sizes but one `size` can fill until less than `size` is free: a large one does it alone. */
function filledFor(size: number, sizes: readonly number[], capacity: number): number {
  const room = capacity - size;
  const small = sizes.filter((each) => each <= room);
  const large = sizes.length - small.length;
  const sum = small.reduce((total, each) => total + each, 0);
  return size > room ? large - 1 + Math.floor(sum / (room + 1)) : large + Math.floor((sum - size) / (room + 1));
}
