/** What is known of an EC2 instance type; RDS classes and ElastiCache nodes of the same name have the same hardware. */
export interface InstanceType {
  readonly name: string;
  readonly family: string;
  readonly size: string;
  readonly architecture: 'arm64' | 'amd64';
  readonly vcpus: number;
  /** Memory as AWS lists it, in MiB. */
  readonly memoryMiB: number;
  /** Memory that Amazon ECS can give to tasks, in MiB: without kernel, system and the agent's reserve. */
  readonly usableMemoryMiB: number;
  /** CPU units that Amazon ECS can give to tasks: 1,024 for each vCPU. */
  readonly cpuUnits: number;
  /** Tasks in network mode awsvpc: one interface each, besides the instance's own. */
  readonly awsvpcTasks: number;
  /** The same when the account setting awsvpcTrunking is on. @default - the family has no trunking */
  readonly awsvpcTasksWithTrunking?: number;
}

/**
 * Memory that the fleet keeps back from tasks for the agent and the system, in MiB: ECS_RESERVED_MEMORY of the agent.
 * Source: "Reserving Amazon ECS Linux container instance memory" recommends to reserve some; the agent and its init take
 * about 60 MiB, the SSM agent about 30 MiB.
 */
export const ECS_RESERVED_MEMORY_MIB = 96;

/**
 * Share of the listed memory that the kernel shows as total, which is what the agent registers. Source: the same page
 * shows 7,985 MiB of 8,192 on m4.large; instances of 2 GiB lose up to 7 %, so that is what is taken for all.
 */
const KERNEL_SHARE = 0.93;

interface Size {
  readonly vcpus: number;
  /** Multiple of a `large`, in memory and, within a family, in price. */
  readonly larges: number;
  readonly interfaces: number;
  readonly trunkedTasks?: number;
}

/** Sources: EC2 user guide, "Maximum IP addresses per network interface"; for trunking ECS guide, "Supported instances". */
const BURSTABLE_SIZES: Readonly<Record<string, Size>> = {
  nano: { vcpus: 2, larges: 1 / 16, interfaces: 2 },
  micro: { vcpus: 2, larges: 1 / 8, interfaces: 2 },
  small: { vcpus: 2, larges: 1 / 4, interfaces: 3 },
  medium: { vcpus: 2, larges: 1 / 2, interfaces: 3 },
  large: { vcpus: 2, larges: 1, interfaces: 3 },
  xlarge: { vcpus: 4, larges: 2, interfaces: 4 },
  '2xlarge': { vcpus: 8, larges: 4, interfaces: 4 },
};
const STEADY_SIZES: Readonly<Record<string, Size>> = {
  large: { vcpus: 2, larges: 1, interfaces: 3, trunkedTasks: 10 },
  xlarge: { vcpus: 4, larges: 2, interfaces: 4, trunkedTasks: 20 },
  '2xlarge': { vcpus: 8, larges: 4, interfaces: 4, trunkedTasks: 40 },
  '4xlarge': { vcpus: 16, larges: 8, interfaces: 8, trunkedTasks: 60 },
  '8xlarge': { vcpus: 32, larges: 16, interfaces: 8, trunkedTasks: 60 },
};
const GRAVITON_SIZES: Readonly<Record<string, Size>> = {
  medium: { vcpus: 1, larges: 1 / 2, interfaces: 2, trunkedTasks: 4 },
  ...STEADY_SIZES,
};

interface Family {
  readonly architecture: 'arm64' | 'amd64';
  readonly largeMiB: number;
  readonly sizes: Readonly<Record<string, Size>>;
}

const GIB = 1_024;
const FAMILIES: Readonly<Record<string, Family>> = {
  t3: { architecture: 'amd64', largeMiB: 8 * GIB, sizes: BURSTABLE_SIZES },
  t3a: {
    architecture: 'amd64',
    largeMiB: 8 * GIB,
    sizes: { ...BURSTABLE_SIZES, small: { vcpus: 2, larges: 1 / 4, interfaces: 2 } },
  },
  t4g: { architecture: 'arm64', largeMiB: 8 * GIB, sizes: BURSTABLE_SIZES },
  m5: { architecture: 'amd64', largeMiB: 8 * GIB, sizes: STEADY_SIZES },
  m6g: { architecture: 'arm64', largeMiB: 8 * GIB, sizes: GRAVITON_SIZES },
  m6i: { architecture: 'amd64', largeMiB: 8 * GIB, sizes: STEADY_SIZES },
  m7g: { architecture: 'arm64', largeMiB: 8 * GIB, sizes: GRAVITON_SIZES },
  m7i: { architecture: 'amd64', largeMiB: 8 * GIB, sizes: STEADY_SIZES },
  c6g: { architecture: 'arm64', largeMiB: 4 * GIB, sizes: GRAVITON_SIZES },
  c6i: { architecture: 'amd64', largeMiB: 4 * GIB, sizes: STEADY_SIZES },
  c7g: { architecture: 'arm64', largeMiB: 4 * GIB, sizes: GRAVITON_SIZES },
  c7i: { architecture: 'amd64', largeMiB: 4 * GIB, sizes: STEADY_SIZES },
  r6g: { architecture: 'arm64', largeMiB: 16 * GIB, sizes: GRAVITON_SIZES },
  r6i: { architecture: 'amd64', largeMiB: 16 * GIB, sizes: STEADY_SIZES },
  r7g: { architecture: 'arm64', largeMiB: 16 * GIB, sizes: GRAVITON_SIZES },
  r7i: { architecture: 'amd64', largeMiB: 16 * GIB, sizes: STEADY_SIZES },
};

/** Families that `instanceType` knows. */
export const INSTANCE_FAMILIES: readonly string[] = Object.keys(FAMILIES);

/** The facts of an instance type such as `t4g.small`, or undefined if it is none of those known here. */
export function instanceType(name: string): InstanceType | undefined {
  const { familyName, sizeName, family, size } = partsOf(name);
  if (family === undefined || size === undefined) return undefined;
  const memoryMiB = family.largeMiB * size.larges;
  return {
    name,
    family: familyName,
    size: sizeName,
    architecture: family.architecture,
    vcpus: size.vcpus,
    memoryMiB,
    usableMemoryMiB: Math.floor(memoryMiB * KERNEL_SHARE) - ECS_RESERVED_MEMORY_MIB,
    cpuUnits: size.vcpus * 1_024,
    awsvpcTasks: size.interfaces - 1,
    ...(size.trunkedTasks === undefined ? {} : { awsvpcTasksWithTrunking: size.trunkedTasks }),
  };
}

/** Sizes of a family from small to large; empty for a family that is not known. */
export function sizesOf(family: string): readonly string[] {
  return Object.keys(entryOf(FAMILIES, family)?.sizes ?? {});
}

/** How many `large` of the same family an instance type is, in memory and price. */
export function largesOf(name: string): number | undefined {
  return partsOf(name).size?.larges;
}

function partsOf(name: string) {
  const [familyName = '', sizeName = ''] = name.split('.');
  const family = entryOf(FAMILIES, familyName);
  return { familyName, sizeName, family, size: family && entryOf(family.sizes, sizeName) };
}

function entryOf<Value>(table: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
