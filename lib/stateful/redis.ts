import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import type { Network } from './network';
import { MaxMemoryPolicy, RedisDurability, RedisEngineVersion, RedisReplicationGroup } from './redis-replication-group';

export interface RedisProps {
  readonly configuration: StageConfiguration;
  readonly redis: Exclude<StageConfiguration['redis'], { existing: unknown }>;
  readonly network: Network;
}

export interface QueueAndCache {
  readonly queue: RedisReplicationGroup;
  /** The same object as `queue` where one node serves both. */
  readonly cache: RedisReplicationGroup;
}

const DURABILITY = {
  default: RedisDurability.DEFAULT,
  async: RedisDurability.ASYNC,
  sync: RedisDurability.SYNC,
  disabled: RedisDurability.DISABLED,
} as const;

/** Queue and cache: apart because a queue must never drop a key and a cache must; on one node where a stage may lose both. */
export function createRedis(scope: Construct, { configuration, redis, network }: RedisProps): QueueAndCache {
  const common = { vpc: network.vpc, vpcSubnets: network.dataSubnets };
  const shared = redis.cache === 'shared';
  const queue = new RedisReplicationGroup(scope, 'Queue', {
    ...common,
    nodeType: redis.queue.nodeType,
    engineVersion: RedisEngineVersion.valkey(redis.queue.engineVersion),
    replicas: redis.queue.replicas,
    clusterMode: redis.queue.clusterMode,
    durability: DURABILITY[redis.queue.durability],
    maxMemoryPolicy: shared ? MaxMemoryPolicy.VOLATILE_LRU : MaxMemoryPolicy.NO_EVICTION,
    snapshotRetention: Duration.days(redis.queue.snapshotDays),
    removalPolicy: configuration.keepDataOnDelete === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.SNAPSHOT,
  });
  if (redis.cache === 'shared') return { queue, cache: queue };
  const cache = new RedisReplicationGroup(scope, 'Cache', {
    ...common,
    nodeType: redis.cache.nodeType,
    engineVersion: RedisEngineVersion.valkey(redis.cache.engineVersion),
    maxMemoryPolicy: MaxMemoryPolicy.ALL_KEYS_LRU,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return { queue, cache };
}
