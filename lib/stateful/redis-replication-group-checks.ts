import { Token } from 'aws-cdk-lib';
import type { Duration } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { RedisEngineVersion } from './redis-engine-version';
import { DEFAULT_SUBNETS, RedisDurability } from './redis-replication-group-props';
import type { RedisReplicationGroupProps } from './redis-replication-group-props';

const NODE_TYPE = /^cache\.([a-z][a-z0-9-]*)\.[a-z0-9]+$/;

/** Families of before encryption in transit, which this construct always asks for. */
const WITHOUT_TLS = ['t1', 'm1', 'm2', 'm3', 'c1'];

/** @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Durability.Limitations.html */
const DURABLE_FAMILIES = ['r8g', 'r7g', 'r6g', 'm8g', 'm7g', 'm6g', 'c8gn', 'c7gn'];

/** The oldest versions whose every node encrypts and whose parameter group family is known. */
const OLDEST = { valkey: '7.2', redis: '6.2' } as const;

/** Parameters that follow from a prop of their own. */
const OWN_PARAMETERS = { 'cluster-enabled': 'clusterMode', 'maxmemory-policy': 'maxMemoryPolicy' } as const;

const SNAPSHOT_WINDOW = /^(?<from>\d{2}:\d{2})-(?<to>\d{2}:\d{2})$/;
const MAINTENANCE_WINDOW = /^(?<fromDay>[a-z]{3}):(?<from>\d{2}:\d{2})-(?<toDay>[a-z]{3}):(?<to>\d{2}:\d{2})$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTES_A_DAY = 24 * 60;

/**
 * Refuses what ElastiCache would refuse in the deploy, often after many minutes. Tokens, which are known only then, are
 * not checked.
 * @throws Error with every mistake, a line each.
 */
export function checkRedisReplicationGroup(scope: IConstruct, props: RedisReplicationGroupProps): void {
  const mistakes = [
    ...shapeMistakes(props),
    ...nodeMistakes(props),
    ...failoverMistakes(props),
    ...durabilityMistakes(props),
    ...timeMistakes(props),
    ...parameterMistakes(props),
  ];
  if (mistakes.length > 0) throw new Error(`${mistakes.join('\n')} [at ${scope.node.path}]`);
}

function shapeMistakes({ replicas = 0, shards = 1, port = 6379, clusterMode = false }: RedisReplicationGroupProps) {
  const nodes = shards * (1 + replicas);
  return [
    outside(replicas, 0, 5) && `replicas must be a whole number from 0 to 5, got ${replicas}`,
    outside(shards, 1, 500) && `shards must be a whole number from 1 to 500, got ${shards}`,
    known(shards) && shards > 1 && !clusterMode && `shards above 1 need clusterMode, got ${shards}`,
    known(replicas) &&
      known(shards) &&
      nodes > 500 &&
      `shards with their replicas must be at most 500 nodes, got ${nodes}`,
    outside(port, 1, 65_535) && `port must be a whole number from 1 to 65535, got ${port}`,
  ].filter(isMistake);
}

function nodeMistakes({ nodeType, engineVersion = RedisEngineVersion.VALKEY_8_2 }: RedisReplicationGroupProps) {
  const oldest = OLDEST[engineVersion.engine];
  const family = familyOf(nodeType);
  return [
    known(nodeType) && family === undefined && `nodeType must look like 'cache.t4g.micro', got '${nodeType}'`,
    family !== undefined &&
      WITHOUT_TLS.includes(family) &&
      `nodeType must be of a family that encrypts in transit, got '${nodeType}'`,
    known(engineVersion.version) &&
      !engineVersion.isAtLeast(oldest) &&
      `engineVersion must be at least ${engineVersion.engine} ${oldest}, got ${engineVersion.toString()}`,
  ].filter(isMistake);
}

/**
 * Cluster mode cannot do without failover, and each later update of a group with failover and no replica is refused.
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1275
 */
function failoverMistakes(props: RedisReplicationGroupProps) {
  const { vpc, vpcSubnets, replicas = 0, clusterMode = false, automaticFailover, multiAz = replicas > 0 } = props;
  const zones = new Set(vpc.selectSubnets(vpcSubnets ?? DEFAULT_SUBNETS).availabilityZones).size;
  return [
    clusterMode && automaticFailover === false && 'clusterMode needs automaticFailover, got false',
    clusterMode && replicas === 0 && 'clusterMode needs at least 1 replica, got 0',
    multiAz && automaticFailover === false && 'multiAz needs automaticFailover, got false',
    multiAz && replicas === 0 && 'multiAz needs at least 1 replica, got 0',
    multiAz && replicas > 0 && zones < 2 && `multiAz needs subnets in at least 2 zones, got ${zones}`,
    automaticFailover === true &&
      !clusterMode &&
      replicas === 0 &&
      'automaticFailover needs at least 1 replica outside cluster mode, got 0',
  ].filter(isMistake);
}

function durabilityMistakes(props: RedisReplicationGroupProps) {
  const { durability, nodeType, replicas = 0, clusterMode = false, multiAz = replicas > 0 } = props;
  const engineVersion = props.engineVersion ?? RedisEngineVersion.VALKEY_8_2;
  if (durability !== RedisDurability.SYNC && durability !== RedisDurability.ASYNC) return [];
  const needs = `durability '${durability}' needs`;
  const family = familyOf(nodeType);
  return [
    !engineVersion.hasDurability && `${needs} valkey 9.0 or later, got ${engineVersion.toString()}`,
    !clusterMode && `${needs} clusterMode, got false`,
    replicas === 0 && !clusterMode && `${needs} at least 1 replica, got 0`,
    replicas > 0 && !multiAz && `${needs} multiAz, got false`,
    family !== undefined &&
      !DURABLE_FAMILIES.includes(family) &&
      `${needs} a nodeType of ${DURABLE_FAMILIES.join(', ')}, got '${nodeType}'`,
  ].filter(isMistake);
}

function timeMistakes({ snapshotRetention, snapshotWindow, maintenanceWindow }: RedisReplicationGroupProps) {
  const days = snapshotRetention === undefined ? 0 : daysOf(snapshotRetention);
  return [
    outside(days, 0, 35) && `snapshotRetention must be 0 to 35 whole days, got ${days} days`,
    known(snapshotWindow) &&
      !isAnHour(snapshotWindow, SNAPSHOT_WINDOW) &&
      `snapshotWindow must be at least an hour such as '03:00-04:00', got '${snapshotWindow}'`,
    known(maintenanceWindow) &&
      !isAnHour(maintenanceWindow, MAINTENANCE_WINDOW) &&
      `maintenanceWindow must be at least an hour such as 'sun:04:30-sun:05:30', got '${maintenanceWindow}'`,
  ].filter(isMistake);
}

function parameterMistakes({ parameters = {} }: RedisReplicationGroupProps) {
  return Object.entries(OWN_PARAMETERS)
    .filter(([parameter]) => parameter in parameters)
    .map(([parameter, prop]) => `parameters must not have '${parameter}', which ${prop} sets`);
}

function isMistake(mistake: string | false): mistake is string {
  return mistake !== false;
}

/** Known at synth: given, and no token. */
function known<Value>(value: Value | undefined): value is Value {
  return value !== undefined && !Token.isUnresolved(value);
}

function outside(value: number, min: number, max: number): boolean {
  return !Token.isUnresolved(value) && !(Number.isInteger(value) && value >= min && value <= max);
}

function familyOf(nodeType: string): string | undefined {
  return Token.isUnresolved(nodeType) ? undefined : NODE_TYPE.exec(nodeType)?.[1];
}

function daysOf(duration: Duration): number {
  return duration.isUnresolved() ? 0 : duration.toDays({ integral: false });
}

/** Whether a window is well-formed and 60 minutes long or longer; it may run past midnight or the week's end. */
function isAnHour(window: string, pattern: RegExp): boolean {
  const { from = '', to = '', fromDay, toDay } = pattern.exec(window)?.groups ?? {};
  if (!TIME.test(from) || !TIME.test(to)) return false;
  const cycle = fromDay === undefined ? MINUTES_A_DAY : DAYS.length * MINUTES_A_DAY;
  const [fromIndex, toIndex] = fromDay === undefined ? [0, 0] : [DAYS.indexOf(fromDay), DAYS.indexOf(toDay ?? '')];
  if (fromIndex < 0 || toIndex < 0) return false;
  const minutes = toIndex * MINUTES_A_DAY + minutesOf(to) - (fromIndex * MINUTES_A_DAY + minutesOf(from));
  return (minutes + cycle) % cycle >= 60;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}
