import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { SECRET_LENGTHS } from '../config';
import { AlphanumericSecret } from './alphanumeric-secret';
import { RedisEngineVersion } from './redis-engine-version';
import { redisNodeIds } from './redis-node-ids';
import { RedisReplicationGroupBase } from './redis-replication-group-base';
import type { IRedisReplicationGroup, RedisAddress } from './redis-replication-group-base';
import { checkRedisReplicationGroup } from './redis-replication-group-checks';
import { DEFAULT_SUBNETS, MaxMemoryPolicy, RedisDurability } from './redis-replication-group-props';
import type { RedisReplicationGroupAttributes, RedisReplicationGroupProps } from './redis-replication-group-props';

export * from './redis-engine-version';
export * from './redis-replication-group-base';
export * from './redis-replication-group-props';

/** Port that a replication group listens on unless told otherwise. */
const REDIS_PORT = 6379;

/** Share of memory kept free for snapshots and replication; what AWS advises and default groups have. */
const RESERVED_MEMORY_PERCENT = 25;

/**
 * A Valkey or Redis OSS replication group on Amazon ElastiCache: encrypted in transit and at rest, behind an AUTH token
 * from its creation on, closed until `connections` lets someone in.
 *
 * The token is set once: CloudFormation REPLACES a group that gets a token later, and the template knows no way to
 * change one. Rotate it through the API (ModifyReplicationGroup with ROTATE, restart the clients, then SET).
 */
export class RedisReplicationGroup extends RedisReplicationGroupBase {
  /** A group that is defined elsewhere. */
  static fromRedisReplicationGroupAttributes(
    scope: Construct,
    id: string,
    attributes: RedisReplicationGroupAttributes,
  ): IRedisReplicationGroup {
    return new ImportedRedisReplicationGroup(scope, id, attributes);
  }

  readonly replicationGroupId: string;
  readonly clientEndpoint: RedisAddress;
  readonly primaryEndpoint?: RedisAddress;
  readonly readerEndpoint?: RedisAddress;
  readonly configurationEndpoint?: RedisAddress;
  readonly connections: ec2.Connections;
  readonly secret: secretsmanager.ISecret;
  readonly nodeIds: readonly string[];

  constructor(scope: Construct, id: string, props: RedisReplicationGroupProps) {
    super(scope, id);
    checkRedisReplicationGroup(this, props);
    const engineVersion = props.engineVersion ?? RedisEngineVersion.VALKEY_8_2;
    const replicas = props.replicas ?? 0;
    const clusterMode = props.clusterMode ?? false;
    const multiAz = props.multiAz ?? replicas > 0;
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.SNAPSHOT;
    const port = props.port ?? REDIS_PORT;

    const securityGroups = props.securityGroups ?? [
      new ec2.SecurityGroup(this, 'SecurityGroup', {
        vpc: props.vpc,
        description: `Redis ${this.node.path}: opened by its clients`,
        allowAllOutbound: false,
      }),
    ];
    this.connections = new ec2.Connections({ securityGroups: [...securityGroups], defaultPort: ec2.Port.tcp(port) });
    this.secret =
      props.authToken ??
      new AlphanumericSecret(this, 'AuthToken', {
        description: `AUTH token of ${this.node.path}`,
        length: SECRET_LENGTHS.redis,
        removalPolicy: removalPolicy === RemovalPolicy.SNAPSHOT ? RemovalPolicy.DESTROY : removalPolicy,
      });
    const subnets = new elasticache.CfnSubnetGroup(this, 'Subnets', {
      description: `Subnets of ${this.node.path}`,
      subnetIds: props.vpc.selectSubnets(props.vpcSubnets ?? DEFAULT_SUBNETS).subnetIds,
    });
    const parameters = new elasticache.CfnParameterGroup(this, 'Parameters', {
      cacheParameterGroupFamily: engineVersion.parameterGroupFamily,
      description: `Parameters of ${this.node.path}`,
      properties: {
        'maxmemory-policy': props.maxMemoryPolicy ?? MaxMemoryPolicy.NO_EVICTION,
        'reserved-memory-percent': String(RESERVED_MEMORY_PERCENT),
        ...(clusterMode && { 'cluster-enabled': 'yes' }),
        ...props.parameters,
      },
    });
    const group = new elasticache.CfnReplicationGroup(this, 'Resource', {
      replicationGroupDescription: props.description ?? this.node.path,
      engine: engineVersion.engine,
      engineVersion: engineVersion.version,
      cacheNodeType: props.nodeType,
      port,
      cacheParameterGroupName: parameters.ref,
      cacheSubnetGroupName: subnets.ref,
      securityGroupIds: securityGroups.map(({ securityGroupId }) => securityGroupId),
      ...(clusterMode
        ? { numNodeGroups: props.shards ?? 1, replicasPerNodeGroup: replicas }
        : { numCacheClusters: 1 + replicas }),
      automaticFailoverEnabled: props.automaticFailover ?? (clusterMode || replicas > 0),
      multiAzEnabled: multiAz,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      authToken: this.secret.secretValue.unsafeUnwrap(),
      atRestEncryptionEnabled: true,
      ...(props.encryptionKey !== undefined && { kmsKeyId: props.encryptionKey.keyArn }),
      ...durabilityOf(props.durability, engineVersion),
      snapshotRetentionLimit: (props.snapshotRetention ?? Duration.days(0)).toDays(),
      ...(props.snapshotWindow !== undefined && { snapshotWindow: props.snapshotWindow }),
      ...(props.maintenanceWindow !== undefined && { preferredMaintenanceWindow: props.maintenanceWindow }),
      autoMinorVersionUpgrade: props.autoMinorVersionUpgrade ?? false,
      ...(props.notificationTopic !== undefined && { notificationTopicArn: props.notificationTopic.topicArn }),
      ...(isDataTiered(props.nodeType) && { dataTieringEnabled: true }),
      ...logDelivery(props),
    });
    if (clusterMode) group.cfnOptions.updatePolicy = { useOnlineResharding: true };
    group.applyRemovalPolicy(removalPolicy);

    this.replicationGroupId = group.ref;
    const configuration = {
      host: group.attrConfigurationEndPointAddress,
      port: group.attrConfigurationEndPointPort,
    };
    const primary = { host: group.attrPrimaryEndPointAddress, port: group.attrPrimaryEndPointPort };
    this.clientEndpoint = clusterMode ? configuration : primary;
    if (clusterMode) {
      this.configurationEndpoint = configuration;
    } else {
      this.primaryEndpoint = primary;
      this.readerEndpoint = { host: group.attrReaderEndPointAddress, port: group.attrReaderEndPointPort };
    }
    this.nodeIds = redisNodeIds(group.ref, { clusterMode, replicas, shards: props.shards });
  }
}

class ImportedRedisReplicationGroup extends RedisReplicationGroupBase {
  readonly replicationGroupId: string;
  readonly clientEndpoint: RedisAddress;
  readonly primaryEndpoint?: RedisAddress;
  readonly readerEndpoint?: RedisAddress;
  readonly configurationEndpoint?: RedisAddress;
  readonly connections: ec2.Connections;
  readonly secret?: secretsmanager.ISecret;
  readonly nodeIds: readonly string[];

  constructor(scope: Construct, id: string, attributes: RedisReplicationGroupAttributes) {
    super(scope, id);
    const port = attributes.port ?? REDIS_PORT;
    this.replicationGroupId = attributes.replicationGroupId;
    this.clientEndpoint = { host: attributes.host, port: String(port) };
    if (attributes.clusterMode === true) this.configurationEndpoint = this.clientEndpoint;
    else this.primaryEndpoint = this.clientEndpoint;
    if (attributes.secret !== undefined) this.secret = attributes.secret;
    this.connections = new ec2.Connections({
      securityGroups: [...(attributes.securityGroups ?? [])],
      defaultPort: ec2.Port.tcp(port),
    });
    this.nodeIds = redisNodeIds(attributes.replicationGroupId, attributes);
  }
}

/** r6gd nodes keep cold keys on a disk; CloudFormation wants it said. */
function isDataTiered(nodeType: string): boolean {
  return !Token.isUnresolved(nodeType) && nodeType.startsWith('cache.r6gd.');
}

/** Nothing where it would say nothing: engines without the log know no setting for it. */
function durabilityOf(
  durability: RedisDurability | undefined,
  engineVersion: RedisEngineVersion,
): Pick<elasticache.CfnReplicationGroupProps, 'durability'> {
  const isSaid = durability !== undefined && durability !== RedisDurability.DEFAULT && engineVersion.hasDurability;
  return isSaid ? { durability } : {};
}

function logDelivery(
  props: RedisReplicationGroupProps,
): Pick<elasticache.CfnReplicationGroupProps, 'logDeliveryConfigurations'> {
  const logs = [
    { logType: 'slow-log', logGroup: props.slowLog },
    { logType: 'engine-log', logGroup: props.engineLog },
  ];
  const configurations = logs.flatMap(({ logType, logGroup }) =>
    logGroup === undefined
      ? []
      : [
          {
            logType,
            logFormat: 'json',
            destinationType: 'cloudwatch-logs',
            destinationDetails: { cloudWatchLogsDetails: { logGroup: logGroup.logGroupName } },
          },
        ],
  );
  return configurations.length === 0 ? {} : { logDeliveryConfigurations: configurations };
}
