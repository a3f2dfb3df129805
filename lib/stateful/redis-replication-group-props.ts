import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { RedisEngineVersion } from './redis-engine-version';

/** Subnets that the nodes stand in unless told otherwise. */
export const DEFAULT_SUBNETS: ec2.SubnetSelection = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };

/** What a full node does with a write. */
export enum MaxMemoryPolicy {
  /** Refuses it: nothing that was accepted is ever dropped. For queues. */
  NO_EVICTION = 'noeviction',
  /** Drops the key that was used least recently. For caches. */
  ALL_KEYS_LRU = 'allkeys-lru',
  /** Drops the key that was used least often. */
  ALL_KEYS_LFU = 'allkeys-lfu',
  ALL_KEYS_RANDOM = 'allkeys-random',
  /** Drops the least recently used of the keys that have an expiry; refuses when there is none. */
  VOLATILE_LRU = 'volatile-lru',
  VOLATILE_LFU = 'volatile-lfu',
  VOLATILE_RANDOM = 'volatile-random',
  /** Drops the key that expires soonest. */
  VOLATILE_TTL = 'volatile-ttl',
}

/**
 * What is safe when a write is answered. ASYNC and SYNC can be exchanged later; whether there is a log at all is decided
 * at creation, as far as CloudFormation goes.
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/durability.html
 */
export enum RedisDurability {
  /** What ElastiCache chooses for the engine. */
  DEFAULT = 'default',
  /** A log over several zones has the write within 10 seconds. */
  ASYNC = 'async',
  /** A log over several zones has the write before the answer. Costs extra. */
  SYNC = 'sync',
  /** Replicas only. */
  DISABLED = 'disabled',
}

export interface RedisReplicationGroupProps {
  readonly vpc: ec2.IVpc;

  /**
   * Where the nodes stand; as many zones as there are nodes, where there are.
   *
   * @default - the isolated subnets
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Who may connect is decided on `connections`.
   *
   * @default - a new security group without rules
   */
  readonly securityGroups?: readonly ec2.ISecurityGroup[];

  /** ElastiCache node type, such as `cache.t4g.micro`. */
  readonly nodeType: string;

  /** @default RedisEngineVersion.VALKEY_8_2 */
  readonly engineVersion?: RedisEngineVersion;

  /**
   * Copies of each shard, 0 to 5.
   *
   * @default 0
   */
  readonly replicas?: number;

  /**
   * Keys spread over shards by hash slot; clients must speak the cluster protocol. Needs a replica. Fixed at creation.
   *
   * @default false
   */
  readonly clusterMode?: boolean;

  /**
   * Shards in cluster mode, 1 to 500; changed online.
   *
   * @default 1
   */
  readonly shards?: number;

  /**
   * A replica takes over by itself.
   *
   * @default - true with replicas or in cluster mode
   */
  readonly automaticFailover?: boolean;

  /**
   * Primary and replicas stand in different zones.
   *
   * @default - true with replicas
   */
  readonly multiAz?: boolean;

  /** @default MaxMemoryPolicy.NO_EVICTION */
  readonly maxMemoryPolicy?: MaxMemoryPolicy;

  /**
   * More parameters, over those that follow from the other props.
   *
   * @default - none
   */
  readonly parameters?: Readonly<Record<string, string>>;

  /** @default 6379 */
  readonly port?: number;

  /**
   * Secret whose whole value is the AUTH token: 16 to 128 printable characters.
   *
   * @default - a generated token of 64 letters and digits
   */
  readonly authToken?: secretsmanager.ISecret;

  /**
   * Key for encryption at rest.
   *
   * @default - a key of ElastiCache's own, free of charge
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * What is safe when a write is answered. SYNC and ASYNC need Valkey 9.0, cluster mode, Multi-AZ and a replica on a node
   * of the families r6g, r7g, r8g, m6g, m7g, m8g, c7gn or c8gn.
   *
   * @default RedisDurability.DEFAULT
   */
  readonly durability?: RedisDurability;

  /**
   * Days that the daily snapshot is kept, 0 to 35.
   *
   * @default Duration.days(0), no snapshots
   */
  readonly snapshotRetention?: Duration;

  /**
   * When the daily snapshot begins, in UTC and at least an hour long, such as `03:00-04:00`.
   *
   * @default - ElastiCache chooses
   */
  readonly snapshotWindow?: string;

  /**
   * When maintenance may happen, in UTC and at least an hour long, such as `sun:04:30-sun:05:30`.
   *
   * @default - ElastiCache chooses
   */
  readonly maintenanceWindow?: string;

  /**
   * Let ElastiCache raise the minor version, which the template then no longer tells.
   *
   * @default false
   */
  readonly autoMinorVersionUpgrade?: boolean;

  /**
   * Gets ElastiCache's own events, failovers among them.
   *
   * @default - none
   */
  readonly notificationTopic?: sns.ITopic;

  /**
   * Gets commands that took long.
   *
   * @default - no slow log
   */
  readonly slowLog?: logs.ILogGroup;

  /**
   * Gets the server's own log.
   *
   * @default - no engine log
   */
  readonly engineLog?: logs.ILogGroup;

  /** @default - the construct's path */
  readonly description?: string;

  /**
   * What happens to the data when the group is deleted or replaced.
   *
   * @default RemovalPolicy.SNAPSHOT, a last snapshot remains
   */
  readonly removalPolicy?: RemovalPolicy;
}

export interface RedisReplicationGroupAttributes {
  readonly replicationGroupId: string;

  /** Host of the primary endpoint, in cluster mode of the configuration endpoint. */
  readonly host: string;

  /** @default 6379 */
  readonly port?: number;

  /** @default - nobody can be let in */
  readonly securityGroups?: readonly ec2.ISecurityGroup[];

  /**
   * Holds the AUTH token.
   *
   * @default - none
   */
  readonly secret?: secretsmanager.ISecret;

  /** @default false */
  readonly clusterMode?: boolean;

  /**
   * Replicas of each shard; the metrics read all nodes.
   *
   * @default 0
   */
  readonly replicas?: number;

  /** @default 1 */
  readonly shards?: number;
}
