import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import {
  MaxMemoryPolicy,
  RedisDurability,
  RedisEngineVersion,
  RedisReplicationGroup,
} from '../../lib/stateful/redis-replication-group';
import type { RedisReplicationGroupProps } from '../../lib/stateful/redis-replication-group';
import { newStack } from './stateful-fixture';

const DURABLE = {
  nodeType: 'cache.m7g.large',
  engineVersion: RedisEngineVersion.VALKEY_9_0,
  clusterMode: true,
  replicas: 1,
  durability: RedisDurability.SYNC,
} as const;

function vpcOf(stack: Stack, zones = 2): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'].slice(0, zones),
    isolatedSubnetIds: ['subnet-1', 'subnet-2'].slice(0, zones),
    isolatedSubnetRouteTableIds: ['rtb-1', 'rtb-2'].slice(0, zones),
  });
}

function group(props: Partial<RedisReplicationGroupProps> = {}, stack = newStack(), zones = 2): RedisReplicationGroup {
  return new RedisReplicationGroup(stack, 'Redis', { vpc: vpcOf(stack, zones), nodeType: 'cache.t4g.micro', ...props });
}

function templateOf({ stack }: RedisReplicationGroup): Template {
  return Template.fromStack(stack);
}

describe('by default', () => {
  const redis = group();
  const template = templateOf(redis);

  test('it is one encrypted Valkey node that never drops a key', () => {
    template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      Engine: 'valkey',
      EngineVersion: '8.2',
      CacheNodeType: 'cache.t4g.micro',
      NumCacheClusters: 1,
      NumNodeGroups: Match.absent(),
      AutomaticFailoverEnabled: false,
      MultiAZEnabled: false,
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      AtRestEncryptionEnabled: true,
      KmsKeyId: Match.absent(),
      Durability: Match.absent(),
      SnapshotRetentionLimit: 0,
      AutoMinorVersionUpgrade: false,
      Port: 6379,
    });
    template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
      CacheParameterGroupFamily: 'valkey8',
      Properties: { 'maxmemory-policy': 'noeviction', 'reserved-memory-percent': '25' },
    });
  });

  test('a last snapshot remains of it', () => {
    template.hasResource('AWS::ElastiCache::ReplicationGroup', {
      DeletionPolicy: 'Snapshot',
      UpdateReplacePolicy: 'Snapshot',
    });
  });

  test('the token is there from its creation: 64 letters and digits', () => {
    template.hasResourceProperties('AWS::SecretsManager::Secret', {
      GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true, IncludeSpace: false },
    });
    const [secret] = Object.keys(template.findResources('AWS::SecretsManager::Secret'));
    template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
      AuthToken: { 'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: secret }, ':SecretString:::}}']] },
    });
  });

  test('nobody is let in', () => {
    template.hasResourceProperties('AWS::EC2::SecurityGroup', { SecurityGroupIngress: Match.absent() });
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
  });
});

test('clients that are let in get the port, and readers of the token exactly the secret', () => {
  const redis = group({ port: 6390 });
  const role = new iam.Role(redis.stack, 'Role', { assumedBy: new iam.ServicePrincipal('ecs-tasks.amazonaws.com') });
  const client = ec2.SecurityGroup.fromSecurityGroupId(redis.stack, 'Client', 'sg-0123456789abcdef0');
  redis.connections.allowDefaultPortFrom(client);
  redis.secret.grantRead(role);
  const template = templateOf(redis);
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 6390, ToPort: 6390 });
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: [Match.objectLike({ Resource: { Ref: Match.stringLikeRegexp('RedisAuthToken') } })],
    },
  });
});

test('failover follows from replicas', () => {
  templateOf(group({ replicas: 2 })).hasResourceProperties('AWS::ElastiCache::ReplicationGroup', {
    NumCacheClusters: 3,
    AutomaticFailoverEnabled: true,
    MultiAZEnabled: true,
  });
  templateOf(group({ replicas: 1, multiAz: false, automaticFailover: false })).hasResourceProperties(
    'AWS::ElastiCache::ReplicationGroup',
    { AutomaticFailoverEnabled: false, MultiAZEnabled: false },
  );
});

test('endpoints are those of the mode', () => {
  const single = group();
  expect(single.stack.resolve(single.clientEndpoint)).toEqual(single.stack.resolve(single.primaryEndpoint));
  expect(JSON.stringify(single.stack.resolve(single.primaryEndpoint))).toContain('PrimaryEndPoint.Address');
  expect(JSON.stringify(single.stack.resolve(single.readerEndpoint))).toContain('ReaderEndPoint.Address');
  expect(single.configurationEndpoint).toBeUndefined();

  const cluster = group({ clusterMode: true, replicas: 1 });
  expect(JSON.stringify(cluster.stack.resolve(cluster.clientEndpoint))).toContain('ConfigurationEndPoint.Address');
  expect([cluster.primaryEndpoint, cluster.readerEndpoint]).toEqual([undefined, undefined]);
});

test('cluster mode spreads shards, fails over and reshards without replacement', () => {
  const template = templateOf(group({ clusterMode: true, shards: 3, replicas: 1 }));
  template.hasResource('AWS::ElastiCache::ReplicationGroup', {
    Properties: {
      NumNodeGroups: 3,
      ReplicasPerNodeGroup: 1,
      NumCacheClusters: Match.absent(),
      AutomaticFailoverEnabled: true,
    },
    UpdatePolicy: { UseOnlineResharding: true },
  });
  template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', { Properties: { 'cluster-enabled': 'yes' } });
});

test.each([
  [RedisEngineVersion.VALKEY_7_2, 'valkey', '7.2', 'valkey7'],
  [RedisEngineVersion.VALKEY_9_1, 'valkey', '9.1', 'valkey9'],
  [RedisEngineVersion.REDIS_7_1, 'redis', '7.1', 'redis7'],
  [RedisEngineVersion.REDIS_6_2, 'redis', '6.2', 'redis6.x'],
  [RedisEngineVersion.of('valkey', '10.0', 'valkey10'), 'valkey', '10.0', 'valkey10'],
])('%s has its own family of parameters', (engineVersion, engine, version, family) => {
  const template = templateOf(group({ engineVersion }));
  template.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', { Engine: engine, EngineVersion: version });
  template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', { CacheParameterGroupFamily: family });
});

test('every other prop arrives at the resource', () => {
  const stack = newStack();
  const template = templateOf(
    group(
      {
        description: 'Queue',
        maxMemoryPolicy: MaxMemoryPolicy.ALL_KEYS_LFU,
        parameters: { 'notify-keyspace-events': 'Ex', 'reserved-memory-percent': '30' },
        encryptionKey: kms.Key.fromKeyArn(
          stack,
          'Key',
          'arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef',
        ),
        snapshotRetention: Duration.days(7),
        snapshotWindow: '23:30-00:30',
        maintenanceWindow: 'sat:23:30-sun:01:00',
        autoMinorVersionUpgrade: true,
        notificationTopic: sns.Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:eu-central-1:123456789012:topic'),
        slowLog: logs.LogGroup.fromLogGroupName(stack, 'Slow', 'slow'),
        engineLog: logs.LogGroup.fromLogGroupName(stack, 'Engine', 'engine'),
        removalPolicy: RemovalPolicy.RETAIN,
        nodeType: 'cache.r6gd.xlarge',
      },
      stack,
    ),
  );
  const destination = (LogGroup: string) => ({ CloudWatchLogsDetails: { LogGroup } });
  template.hasResource('AWS::ElastiCache::ReplicationGroup', {
    DeletionPolicy: 'Retain',
    Properties: {
      ReplicationGroupDescription: 'Queue',
      KmsKeyId: 'arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef',
      SnapshotRetentionLimit: 7,
      SnapshotWindow: '23:30-00:30',
      PreferredMaintenanceWindow: 'sat:23:30-sun:01:00',
      AutoMinorVersionUpgrade: true,
      NotificationTopicArn: 'arn:aws:sns:eu-central-1:123456789012:topic',
      DataTieringEnabled: true,
      LogDeliveryConfigurations: [
        Match.objectLike({ LogType: 'slow-log', DestinationDetails: destination('slow'), LogFormat: 'json' }),
        Match.objectLike({ LogType: 'engine-log', DestinationDetails: destination('engine'), LogFormat: 'json' }),
      ],
    },
  });
  template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
    Properties: {
      'maxmemory-policy': 'allkeys-lfu',
      'reserved-memory-percent': '30',
      'notify-keyspace-events': 'Ex',
    },
  });
  template.hasResource('AWS::SecretsManager::Secret', { DeletionPolicy: 'Retain' });
});

test('a setting that the engine does not know is not sent', () => {
  const before = templateOf(group({ durability: RedisDurability.DISABLED }));
  before.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', { Durability: Match.absent() });
  const after = templateOf(
    group({ durability: RedisDurability.DISABLED, engineVersion: RedisEngineVersion.VALKEY_9_0 }),
  );
  after.hasResourceProperties('AWS::ElastiCache::ReplicationGroup', { Durability: 'disabled' });
});

describe('metrics', () => {
  test('of one node are its own', () => {
    const redis = group();
    const metric = redis.metricEngineCpuUtilization({ period: Duration.minutes(5) });
    expect(metric).toMatchObject({
      namespace: 'AWS/ElastiCache',
      metricName: 'EngineCPUUtilization',
      statistic: 'Average',
      period: Duration.minutes(5),
    });
    expect(JSON.stringify(redis.stack.resolve(metric.toMetricConfig().metricStat?.dimensions))).toMatch(
      /"Ref":"Redis[^"]*"\},"-001"/,
    );
  });

  test.each([
    ['metricEngineCpuUtilization', 'MAX'],
    ['metricDatabaseMemoryUsagePercentage', 'MAX'],
    ['metricEvictions', 'SUM'],
    ['metricCurrConnections', 'MAX'],
    ['metricAuthenticationFailures', 'SUM'],
    ['metricReplicationLag', 'MAX'],
  ] as const)('%s joins all nodes, because a failover moves the primary', (name, across) => {
    const redis = group({ replicas: 1 });
    const metric = redis[name]();
    expect(metric.toMetricConfig().mathExpression?.expression).toBe(`${across}([node1, node2])`);
    new cloudwatch.Alarm(redis.stack, 'Alarm', { metric, threshold: 1, evaluationPeriods: 1 });
    templateOf(redis).resourceCountIs('AWS::CloudWatch::Alarm', 1);
  });

  test('of more nodes than an alarm can read are asked for one by one', () => {
    const redis = group({ clusterMode: true, shards: 6, replicas: 1 });
    expect(() => redis.metricEvictions()).toThrow(
      'metric joins at most 10 nodes, got 12; use metricOfNode [at Stack/Redis]',
    );
    const [, second = ''] = redis.nodeIds;
    expect(JSON.stringify(redis.stack.resolve(redis.metricOfNode(second, 'Evictions').dimensions))).toContain(
      '-0001-002',
    );
  });
});

test('an imported group has endpoints, nodes and connections', () => {
  const stack = newStack();
  const imported = RedisReplicationGroup.fromRedisReplicationGroupAttributes(stack, 'Imported', {
    replicationGroupId: 'queue',
    host: 'queue.example.org',
    replicas: 1,
    securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0')],
  });
  imported.connections.allowDefaultPortFrom(ec2.Peer.ipv4('10.0.0.0/16'));
  expect(imported.clientEndpoint).toEqual({ host: 'queue.example.org', port: '6379' });
  expect(imported.primaryEndpoint).toEqual(imported.clientEndpoint);
  expect(imported.nodeIds).toEqual(['queue-001', 'queue-002']);
  expect(imported.replicationGroupRef).toEqual({ replicationGroupId: 'queue' });
  expect(imported.secret).toBeUndefined();
  Template.fromStack(stack).hasResourceProperties('AWS::EC2::SecurityGroupIngress', { FromPort: 6379 });

  const cluster = RedisReplicationGroup.fromRedisReplicationGroupAttributes(stack, 'Cluster', {
    replicationGroupId: 'queue',
    host: 'queue.example.org',
    port: 6390,
    clusterMode: true,
    shards: 2,
  });
  expect(cluster.configurationEndpoint).toEqual({ host: 'queue.example.org', port: '6390' });
  expect(cluster.primaryEndpoint).toBeUndefined();
  expect(cluster.nodeIds).toEqual(['queue-0001-001', 'queue-0002-001']);
});

describe('refuses what ElastiCache would refuse in the deploy', () => {
  const durableFamilies = 'r8g, r7g, r6g, m8g, m7g, m6g, c8gn, c7gn';

  test.each<[Partial<RedisReplicationGroupProps>, string]>([
    [{ replicas: 6 }, 'replicas must be a whole number from 0 to 5, got 6'],
    [{ replicas: 0.5 }, 'replicas must be a whole number from 0 to 5, got 0.5'],
    [{ clusterMode: true, shards: 0, replicas: 1 }, 'shards must be a whole number from 1 to 500, got 0'],
    [{ shards: 3 }, 'shards above 1 need clusterMode, got 3'],
    [{ clusterMode: true, shards: 300, replicas: 1 }, 'shards with their replicas must be at most 500 nodes, got 600'],
    [{ port: 0 }, 'port must be a whole number from 1 to 65535, got 0'],
    [{ nodeType: 't4g.micro' }, "nodeType must look like 'cache.t4g.micro', got 't4g.micro'"],
    [{ nodeType: 'cache.m3.medium' }, "nodeType must be of a family that encrypts in transit, got 'cache.m3.medium'"],
    [{ engineVersion: RedisEngineVersion.redis('5.0') }, 'engineVersion must be at least redis 6.2, got redis 5.0'],
    [{ clusterMode: true }, 'clusterMode needs at least 1 replica, got 0'],
    [
      { clusterMode: true, replicas: 1, automaticFailover: false, multiAz: false },
      'clusterMode needs automaticFailover, got false',
    ],
    [{ replicas: 1, automaticFailover: false }, 'multiAz needs automaticFailover, got false'],
    [{ multiAz: true }, 'multiAz needs at least 1 replica, got 0'],
    [{ automaticFailover: true }, 'automaticFailover needs at least 1 replica outside cluster mode, got 0'],
    [{ snapshotRetention: Duration.days(36) }, 'snapshotRetention must be 0 to 35 whole days, got 36 days'],
    [{ snapshotRetention: Duration.hours(36) }, 'snapshotRetention must be 0 to 35 whole days, got 1.5 days'],
    [
      { snapshotWindow: '03:00-03:30' },
      "snapshotWindow must be at least an hour such as '03:00-04:00', got '03:00-03:30'",
    ],
    [
      { snapshotWindow: '25:00-26:30' },
      "snapshotWindow must be at least an hour such as '03:00-04:00', got '25:00-26:30'",
    ],
    [
      { maintenanceWindow: '03:00-04:00' },
      "maintenanceWindow must be at least an hour such as 'sun:04:30-sun:05:30', got '03:00-04:00'",
    ],
    [
      { maintenanceWindow: 'sun:23:30-mon:00:15' },
      "maintenanceWindow must be at least an hour such as 'sun:04:30-sun:05:30', got 'sun:23:30-mon:00:15'",
    ],
    [
      { parameters: { 'maxmemory-policy': 'noeviction' } },
      "parameters must not have 'maxmemory-policy', which maxMemoryPolicy sets",
    ],
    [
      { parameters: { 'cluster-enabled': 'yes' } },
      "parameters must not have 'cluster-enabled', which clusterMode sets",
    ],
    [
      { ...DURABLE, engineVersion: RedisEngineVersion.VALKEY_8_2 },
      "durability 'sync' needs valkey 9.0 or later, got valkey 8.2",
    ],
    [{ ...DURABLE, clusterMode: false }, "durability 'sync' needs clusterMode, got false"],
    [
      { ...DURABLE, clusterMode: false, replicas: 0, durability: RedisDurability.ASYNC },
      "durability 'async' needs clusterMode, got false\ndurability 'async' needs at least 1 replica, got 0",
    ],
    [{ ...DURABLE, multiAz: false }, "durability 'sync' needs multiAz, got false"],
    [
      { ...DURABLE, nodeType: 'cache.t4g.medium' },
      `durability 'sync' needs a nodeType of ${durableFamilies}, got 'cache.t4g.medium'`,
    ],
  ])('%j', (props, message) => {
    expect(() => group(props)).toThrow(new Error(`${message} [at Stack/Redis]`));
  });

  test('a second zone that is not there', () => {
    expect(() => group({ replicas: 1 }, newStack(), 1)).toThrow('multiAz needs subnets in at least 2 zones, got 1');
  });

  test('all mistakes at once', () => {
    expect(() => group({ replicas: 6, port: 0 })).toThrow(/^replicas .* got 6\nport .* got 0 \[at Stack\/Redis\]$/);
  });

  test('but nothing that is known only at the deploy, and nothing that is right', () => {
    expect(() => group({ nodeType: Token.asString({ Ref: 'NodeType' }) })).not.toThrow();
    expect(() => group({ replicas: Token.asNumber({ Ref: 'Replicas' }), multiAz: false })).not.toThrow();
    expect(() => group(DURABLE)).not.toThrow();
  });
});
