import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import type { Network } from './network';
import { quietHours } from './quiet-hours';
import { MaxMemoryPolicy, RedisDurability, RedisEngineVersion, RedisReplicationGroup } from './redis-replication-group';

export type RedisConfiguration = Exclude<StageConfiguration['redis'], { existing: unknown }>;

export interface RedisProps {
  readonly configuration: StageConfiguration;
  readonly redis: RedisConfiguration;
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

/**
 * Queue and cache, apart because a full queue must refuse and a full cache must forget. Where a stage may lose the
 * queue, one node serves both under volatile-lru: it forgets cached entries, which expire, and never queued ids, which
 * do not.
 */
export function createRedis(scope: Construct, { configuration, redis, network }: RedisProps): QueueAndCache {
  const { name, stage, region } = configuration;
  const { queue: queued, cache: cached } = redis;
  const hours = quietHours(region);
  const common = {
    vpc: network.vpc,
    vpcSubnets: network.dataSubnets,
    maintenanceWindow: hours.redisMaintenance,
  };
  const queue = new RedisReplicationGroup(scope, 'Queue', {
    ...common,
    description: `Queue ${cached === 'shared' ? 'and cache ' : ''}of ${name} ${stage}`,
    nodeType: queued.nodeType,
    engineVersion: RedisEngineVersion.valkey(queued.engineVersion),
    replicas: queued.replicas,
    clusterMode: queued.clusterMode,
    durability: DURABILITY[queued.durability],
    maxMemoryPolicy: cached === 'shared' ? MaxMemoryPolicy.VOLATILE_LRU : MaxMemoryPolicy.NO_EVICTION,
    snapshotRetention: Duration.days(queued.snapshotDays),
    ...(queued.snapshotDays > 0 && { snapshotWindow: hours.redisSnapshot }),
    removalPolicy: configuration.keepDataOnDelete === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.SNAPSHOT,
  });
  acknowledgeFindings(
    queue,
    queued.replicas === 0 &&
      'Off by configuration (redis.queue.replicas is 0): the ledger in Postgres has every task, and workers claim from it while the node is replaced.',
  );
  if (cached === 'shared') return { queue, cache: queue };

  const cache = new RedisReplicationGroup(scope, 'Cache', {
    ...common,
    description: `Cache of ${name} ${stage}`,
    nodeType: cached.nodeType,
    engineVersion: RedisEngineVersion.valkey(cached.engineVersion),
    maxMemoryPolicy: MaxMemoryPolicy.ALL_KEYS_LRU,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledgeFindings(cache, 'A cache may be lost: reads go to Postgres until a new node has filled again.');
  return { queue, cache };
}

function acknowledgeFindings(group: RedisReplicationGroup, whyOneZone: string | false): void {
  Validations.of(group).acknowledge(
    {
      id: 'AwsSolutions-SMG4',
      reason:
        'Containers get the token when they start; a rotation takes two steps around a restart of them (ROTATE, SET), which a schedule cannot time.',
    },
    {
      id: 'AwsSolutions-AEC5',
      reason:
        'Another port hides nothing: the security group admits the containers only, and TLS and a token are needed.',
    },
    ...(whyOneZone === false ? [] : [{ id: 'AwsSolutions-AEC4', reason: whyOneZone }]),
  );
}
