import { ECS_RESERVED_MEMORY_MIB, instancesAtSmallestScale, instanceType, taskSizes } from '../../lib/config';
import { INSTANCE_FAMILIES, sizesOf } from '../../lib/config/instance-types';
import { packInstances } from '../../lib/config/packing';
import { mistakesOf, production, shopWith } from './shop';

const SMALL = instanceType('t4g.small')!;
const task = (memoryMiB: number, cpuUnits = 16) => ({ memoryMiB, cpuUnits });

describe('instance types', () => {
  test('of every family and size are whole', () => {
    for (const family of INSTANCE_FAMILIES) {
      for (const size of sizesOf(family)) {
        const type = instanceType(`${family}.${size}`)!;
        expect(Number.isInteger(type.memoryMiB)).toBe(true);
        expect(type.usableMemoryMiB).toBeLessThan(type.memoryMiB - ECS_RESERVED_MEMORY_MIB);
        expect(type.architecture).toBe(/^(t4g|[mcr]\dg)$/.test(family) ? 'arm64' : 'amd64');
        expect(type.awsvpcTasksWithTrunking === undefined).toBe(family.startsWith('t'));
      }
    }
  });

  test.each([
    ['t4g.small', { memoryMiB: 2_048, vcpus: 2, awsvpcTasks: 2, architecture: 'arm64' }],
    ['t3a.small', { memoryMiB: 2_048, vcpus: 2, awsvpcTasks: 1, architecture: 'amd64' }],
    ['m7g.medium', { memoryMiB: 4_096, vcpus: 1, awsvpcTasks: 1, awsvpcTasksWithTrunking: 4 }],
    ['c7i.xlarge', { memoryMiB: 8_192, vcpus: 4, awsvpcTasks: 3, awsvpcTasksWithTrunking: 20 }],
    ['r7g.4xlarge', { memoryMiB: 131_072, vcpus: 16, awsvpcTasks: 7, awsvpcTasksWithTrunking: 60 }],
  ])('%s', (name, facts) => {
    expect(instanceType(name)).toMatchObject(facts);
  });

  test.each(['m7i.medium', 't4g.4xlarge', 'toString.large', 't4g', ''])('does not know %p', (name) => {
    expect(instanceType(name)).toBeUndefined();
  });
});

describe('packing', () => {
  test('fills instances by memory, CPU and number of tasks', () => {
    expect(packInstances([], SMALL, Infinity)).toBe(0);
    expect(packInstances([task(900), task(900), task(900)], SMALL, Infinity)).toBe(2);
    expect(packInstances([task(100, 1_024), task(100, 1_024), task(100, 1_024)], SMALL, Infinity)).toBe(2);
    expect(packInstances([task(100), task(100), task(100)], SMALL, 2)).toBe(2);
    expect(packInstances([task(1_000), task(700), task(800), task(1_000)], SMALL, Infinity)).toBe(2);
  });

  test('has no answer for a task that fits nowhere', () => {
    expect(packInstances([task(2_048)], SMALL, Infinity)).toBeUndefined();
    expect(packInstances([task(100, 4_096)], SMALL, Infinity)).toBeUndefined();
  });
});

describe('the fleet', () => {
  test('counts sidecars and the measuring of Celery', () => {
    const sidecars = { proxy: { image: { directory: 'proxy' }, memoryMiB: 100, cpuUnits: 50 } };
    const sizes = taskSizes(production({ taskEngine: 'celery', web: { sidecars } }).configuration);
    expect(sizes.find(({ process }) => process === 'web')).toMatchObject({ memoryMiB: 484, cpuUnits: 306 });
    expect(sizes.find(({ process }) => process === 'scheduler')).toMatchObject({ memoryMiB: 288, cpuUnits: 80 });
    expect(sizes.find(({ process }) => process === 'workers.default')).toMatchObject({ memoryMiB: 384 });
  });

  test('on Spot holds its own workers', () => {
    const spot = { instanceTypes: ['t4g.small'], max: 1 };
    const change = { fleet: { spot }, workers: { default: { spot: true } } };
    expect(mistakesOf(shopWith(change))).toEqual([]);
    expect(
      mistakesOf(shopWith(change, { workers: { default: { scaling: { max: 6 } } }, web: { scaling: { max: 1 } } })),
    ).toEqual([
      'fleet.spot.max is 1; allowed is at least 2, which hold all processes at their largest scale and the new copy of one that a rollout starts (t4g.small has 1808 MiB and 2048 CPU units for tasks): raise it, or lower scaling.max of workers.default.',
    ]);
  });

  test('grows over its minimum where the smallest scale needs it', () => {
    expect(instancesAtSmallestScale(production().configuration)).toBe(2);
    const { configuration } = production({ fleet: { min: 1 }, web: { memoryMiB: 3_500 } });
    expect(instancesAtSmallestScale(configuration)).toBe(2);
  });
});
