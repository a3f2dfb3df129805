import reference from '../../holdfast.config';
import {
  ECS_RESERVED_MEMORY_MIB,
  instancesAtSmallestScale,
  instanceType,
  loadStage,
  taskSizes,
} from '../../lib/config';
import { rolloutRoom } from '../../lib/config/capacity';
import { INSTANCE_FAMILIES, sizesOf } from '../../lib/config/instance-types';
import { instancesInAnyOrder, packInstances } from '../../lib/config/packing';
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

describe('room in any order', () => {
  const at = (sizes: number[], tasksEach = Infinity) =>
    instancesInAnyOrder(
      sizes.map((each) => task(each)),
      SMALL,
      tasksEach,
    );

  test('counts the instances that large and small tasks may fill', () => {
    expect(at([])).toBe(0);
    expect(at([900, 900])).toBe(1);
    // Five small ones, spread badly, leave no room for a large one on one instance; packed, two hold all.
    expect(at([1_700, 300])).toBe(2);
    expect(at([1_700, 1_700, 60, 60])).toBe(3);
    expect(packInstances([task(1_700), task(1_700), task(60), task(60)], SMALL, Infinity)).toBe(2);
    expect(at([100, 100, 100], 2)).toBe(2);
    expect(at([2_048])).toBeUndefined();
    expect(at([100], 0)).toBeUndefined();
  });

  test('holds wherever the tasks are put', () => {
    let state = 7;
    const next = (max: number) => (state = (state * 48_271) % 2_147_483_647) % max;
    for (let run = 0; run < 300; run += 1) {
      const sizes = Array.from({ length: 1 + next(12) }, () => task(50 + next(1_750), 16 + next(2_000)));
      const count = instancesInAnyOrder(sizes, SMALL, Infinity) ?? 0;
      const free = Array.from({ length: count }, () => ({
        memoryMiB: SMALL.usableMemoryMiB,
        cpuUnits: SMALL.cpuUnits,
      }));
      for (const { memoryMiB, cpuUnits } of sizes) {
        const fitting = free.filter((each) => each.memoryMiB >= memoryMiB && each.cpuUnits >= cpuUnits);
        const chosen = fitting[next(Math.max(1, fitting.length))];
        expect(chosen).toBeDefined();
        chosen!.memoryMiB -= memoryMiB;
        chosen!.cpuUnits -= cpuUnits;
      }
      expect(count).toBeGreaterThanOrEqual(packInstances(sizes, SMALL, Infinity) ?? Infinity);
    }
  });
});

describe('the fleet', () => {
  test('counts sidecars and the measuring of Celery', () => {
    const sidecars = { proxy: { image: { directory: 'app' }, memoryMiB: 100, cpuUnits: 50 } };
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
      'fleet.spot.max is 1; allowed is at least 3, which hold, however they are spread, all processes at their largest scale; a second set of workers.default, whose busy containers leave a rollout only when it runs in full (t4g.small has 1808 MiB and 2048 CPU units for tasks): raise it, or lower scaling.max of workers.default.',
    ]);
  });

  test.each(Object.keys(reference.stages))('of the reference %s starts a whole second set of workers', (stage) => {
    const { configuration } = loadStage(reference, stage);
    expect(taskSizes(configuration).map(({ process, secondSet }) => [process, secondSet])).toEqual([
      ['web', false],
      ['workers.default', true],
      ['scheduler', false],
      ['migration', false],
    ]);
    // All that fits at once rolls in one round.
    expect(rolloutRoom(configuration, 'web')?.copies).toBe(configuration.web.scaling.max);
  });

  test('needs no second set where nothing is protected', () => {
    const large = { memoryMiB: 3_000, scaling: { max: 4 } };
    expect(mistakesOf(shopWith({ workers: { default: { ...large, scaleInProtection: false } } }))).toEqual([]);
    expect(mistakesOf(shopWith({ taskEngine: 'custom', workers: { default: large } }))).toEqual([]);
  });

  test('grows over its minimum where the smallest scale needs it', () => {
    expect(instancesAtSmallestScale(production().configuration)).toBe(2);
    const { configuration } = production({ fleet: { min: 1, max: 8 }, web: { memoryMiB: 3_500 } });
    expect(instancesAtSmallestScale(configuration)).toBe(2);
  });
});
