import { Annotations, Fn } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as rds from 'aws-cdk-lib/aws-rds';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { ImportedPostgres, ImportedRedis, knownFields } from './imported-server';
import { SERVER_PORTS, parameterName, readParameter, zonesOf } from './published-parameters';
import type { Concept } from './published-parameters';
import type { RedisShape } from './redis-node-ids';
import type { IRedisReplicationGroup } from './redis-replication-group-base';

/** A server outside the stack that containers connect to. */
export interface Endpoint {
  readonly host: string;
  readonly port: string;
  /** Allows what connects to it, from the consumer's side. */
  readonly connections: ec2.Connections;
  /** Holds the password or AUTH token. */
  readonly secret: secretsmanager.ISecret;
  /** The field of the secret. @default - the whole secret */
  readonly secretField?: string;
  /** ARN of the customer-managed key that encrypts the secret. @default - AWS's own key, which needs no permission */
  readonly kmsKeyArn?: string | undefined;
}

export interface PostgresEndpoint extends Endpoint {
  readonly name: string;
  readonly user: string;
  /** For metrics; absent for a database of the user's own. */
  readonly instanceId?: string | undefined;
}

export interface RedisEndpoint extends Endpoint {
  readonly tls: boolean;
  /** The CacheClusterId of each node, for metrics; absent for a Redis of the user's own. */
  readonly nodeIds?: readonly string[] | undefined;
}

/** What the replaceable side needs to know of the kept side; addresses and ARNs, never a secret's value. */
export interface BackingServices {
  readonly vpc: ec2.IVpc;
  /** Where instances and tasks stand: private subnets, or public ones in a network without NAT. */
  readonly instanceSubnets: ec2.SubnetSelection;
  readonly database: PostgresEndpoint;
  readonly queue: RedisEndpoint;
  /** The same as `queue` where one node serves both. */
  readonly cache: RedisEndpoint;
  readonly uploads: s3.IBucket;
  readonly adminToken: secretsmanager.ISecret;
  readonly alarmTopic: sns.ITopic;
}

/** The kept resources, as the stack that owns them has them; what the user brought along is left out. */
export interface OwnedServices {
  readonly vpc: Pick<ec2.IVpc, 'vpcId' | 'publicSubnets' | 'privateSubnets'>;
  readonly database?: rds.DatabaseInstance | rds.DatabaseInstanceFromSnapshot;
  readonly queue?: IRedisReplicationGroup;
  readonly cache?: IRedisReplicationGroup;
  readonly uploads: Pick<s3.IBucket, 'bucketName'>;
  readonly adminToken: Pick<secretsmanager.ISecret, 'secretArn'>;
  readonly alarmTopic: Pick<sns.ITopic, 'topicArn'>;
}

/**
 * Publishes as SSM parameters what the configuration does not say already: addresses, ids and ARNs, no secret's value.
 * @param scope the stack that owns the services.
 */
export function publishBackingServices(
  scope: Construct,
  configuration: StageConfiguration,
  owned: OwnedServices,
): void {
  const parameters = new Construct(scope, 'Published');
  const publish = (concept: Concept, values: Readonly<Record<string, string>>) => {
    for (const [field, stringValue] of Object.entries(values)) {
      new ssm.StringParameter(parameters, `${concept}-${field}`, {
        parameterName: parameterName(configuration, concept, field),
        stringValue,
      });
    }
  };
  const publishRedis = (concept: Concept, redis: IRedisReplicationGroup) =>
    publish(concept, {
      host: redis.clientEndpoint.host,
      port: redis.clientEndpoint.port,
      'security-group-id': securityGroupOf(redis),
      'secret-arn': secretOf(redis).secretArn,
      'replication-group-id': redis.replicationGroupId,
    });

  if (!('existing' in configuration.network)) {
    publish('network', {
      'vpc-id': owned.vpc.vpcId,
      'public-subnet-ids': idsOf(owned.vpc.publicSubnets),
      ...(configuration.network.natGateways > 0 && { 'private-subnet-ids': idsOf(owned.vpc.privateSubnets) }),
    });
  }
  if (owned.database !== undefined) {
    publish('database', {
      host: owned.database.dbInstanceEndpointAddress,
      port: owned.database.dbInstanceEndpointPort,
      'security-group-id': securityGroupOf(owned.database),
      'secret-arn': secretOf(owned.database).secretArn,
      'instance-id': owned.database.instanceIdentifier,
    });
  }
  if (owned.queue !== undefined) publishRedis('queue', owned.queue);
  if (owned.cache !== undefined && owned.cache !== owned.queue) publishRedis('cache', owned.cache);
  publish('uploads', { 'bucket-name': owned.uploads.bucketName });
  publish('admin-token', { 'secret-arn': owned.adminToken.secretArn });
  publish('alarms', { 'topic-arn': owned.alarmTopic.topicArn });
}

function idsOf(subnets: readonly ec2.ISubnet[]): string {
  return subnets.map(({ subnetId }) => subnetId).join(',');
}

function securityGroupOf(service: ec2.IConnectable & Construct['node']['children'][number]): string {
  const [securityGroup] = service.connections.securityGroups;
  if (securityGroup === undefined) throw new Error(`${service.node.path} has no security group to publish`);
  return securityGroup.securityGroupId;
}

function secretOf<Secret>(service: { readonly secret?: Secret; readonly node: Construct['node'] }): Secret {
  if (service.secret === undefined) throw new Error(`${service.node.path} has no secret to publish`);
  return service.secret;
}

/**
 * Reads what `publishBackingServices` has published, when CloudFormation deploys the stack of `scope`: that stack knows
 * the names only. What exists already comes from the configuration. Rules for security groups are created on this side.
 */
export function lookUpBackingServices(scope: Construct, configuration: StageConfiguration): BackingServices {
  const imported = new Construct(scope, 'BackingServices');
  const read = (concept: Concept, field: string) => readParameter(imported, configuration, concept, field);
  const uploads = once(() => s3.Bucket.fromBucketName(imported, 'Uploads', read('uploads', 'bucket-name')));
  const adminToken = once(() =>
    secretsmanager.Secret.fromSecretCompleteArn(imported, 'AdminToken', read('admin-token', 'secret-arn')),
  );
  const alarmTopic = once(() => sns.Topic.fromTopicArn(imported, 'AlarmTopic', read('alarms', 'topic-arn')));
  return {
    ...lookUpNetwork(imported, configuration),
    database: lookUpDatabase(imported, configuration),
    ...lookUpRedis(imported, configuration),
    get uploads() {
      return uploads();
    },
    get adminToken() {
      return adminToken();
    },
    get alarmTopic() {
      return alarmTopic();
    },
  };
}

/** Makes a value when it is first asked for: a template parameter that nothing uses would be a warning. */
function once<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

function lookUpNetwork(
  scope: Construct,
  configuration: StageConfiguration,
): Pick<BackingServices, 'vpc' | 'instanceSubnets'> {
  const { network } = configuration;
  const isPrivate = 'existing' in network || network.natGateways > 0;
  const perZone = (field: string, zones: number) =>
    Fn.split(',', readParameter(scope, configuration, 'network', field), zones);
  const vpc = ec2.Vpc.fromVpcAttributes(
    scope,
    'Vpc',
    'existing' in network
      ? network.existing
      : {
          vpcId: readParameter(scope, configuration, 'network', 'vpc-id'),
          vpcCidrBlock: network.cidr,
          availabilityZones: zonesOf(network),
          publicSubnetIds: perZone('public-subnet-ids', network.availabilityZones),
          ...(isPrivate && { privateSubnetIds: perZone('private-subnet-ids', network.availabilityZones) }),
        },
  );
  Annotations.of(vpc).acknowledgeWarning(
    '@aws-cdk/aws-ec2:noSubnetRouteTableId',
    'Routes belong to the stack of the network; nothing on this side reads or adds one.',
  );
  return {
    vpc,
    instanceSubnets: {
      subnetType: isPrivate ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC,
    },
  };
}

function lookUpDatabase(scope: Construct, configuration: StageConfiguration): PostgresEndpoint {
  const { database } = configuration;
  if (!('existing' in database)) {
    return new ImportedPostgres(scope, 'Database', {
      name: database.name,
      user: database.user,
      listensOn: SERVER_PORTS.postgres,
      secretField: 'password',
      read: (field) => readParameter(scope, configuration, 'database', field),
    });
  }
  const { name, user, port, kmsKeyArn } = database.existing;
  return new ImportedPostgres(scope, 'Database', {
    name,
    user,
    listensOn: port,
    secretField: 'password',
    kmsKeyArn,
    read: knownFields(database.existing),
  });
}

function lookUpRedis(scope: Construct, configuration: StageConfiguration): Pick<BackingServices, 'queue' | 'cache'> {
  const { redis } = configuration;
  if ('existing' in redis) {
    const { tls, field: secretField, port, kmsKeyArn } = redis.existing;
    const queue = new ImportedRedis(scope, 'Queue', {
      tls,
      listensOn: port,
      ...(secretField !== undefined && { secretField }),
      kmsKeyArn,
      read: knownFields(redis.existing),
    });
    return { queue, cache: queue };
  }
  const own = (id: string, concept: Concept, shape: RedisShape) =>
    new ImportedRedis(scope, id, {
      tls: true,
      shape,
      listensOn: SERVER_PORTS.redis,
      read: (field) => readParameter(scope, configuration, concept, field),
    });
  const queue = own('Queue', 'queue', redis.queue);
  return { queue, cache: redis.cache === 'shared' ? queue : own('Cache', 'cache', {}) };
}
