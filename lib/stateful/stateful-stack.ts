import { RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as rds from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { AlarmTopic } from './alarm-topic';
import { AlphanumericSecret } from './alphanumeric-secret';
import { publishBackingServices } from './backing-services';
import { MOST_ZONES, createNetwork } from './network';
import { createPostgres } from './postgres';
import { zonesOfRegion } from './published-parameters';
import { createRedis } from './redis';
import type { RedisReplicationGroup } from './redis-replication-group';
import { Uploads } from './uploads';

export interface StatefulStackProps extends StackProps {
  readonly configuration: StageConfiguration;
  /** Connections that the database takes; the processes' and some spare ones. */
  readonly maxConnections: number;
}

/** Length of the administration routes' bearer token: 64 letters and digits, about 380 bits. */
const ADMIN_TOKEN_LENGTH = 64;

/** What is kept: network, database, queue, cache, uploads, secrets. Containers come and go in another stack. */
export class StatefulStack extends Stack {
  readonly vpc: ec2.IVpc;
  /** Absent where the configuration names an existing database. */
  readonly database?: rds.DatabaseInstance | rds.DatabaseInstanceFromSnapshot;
  /** Absent where the configuration names an existing Redis. */
  readonly queue?: RedisReplicationGroup;
  /** The same object as `queue` where one node serves both. */
  readonly cache?: RedisReplicationGroup;
  readonly uploads: Uploads;
  readonly adminToken: AlphanumericSecret;
  readonly alarmTopic: AlarmTopic;

  constructor(scope: Construct, id: string, { configuration, maxConnections, ...props }: StatefulStackProps) {
    super(scope, id, props);
    const network = createNetwork(this, configuration);
    this.vpc = network.vpc;
    if (!('existing' in configuration.database)) {
      this.database = createPostgres(this, {
        configuration,
        database: configuration.database,
        network,
        maxConnections,
      });
    }
    if (!('existing' in configuration.redis)) {
      const { queue, cache } = createRedis(this, { configuration, redis: configuration.redis, network });
      this.queue = queue;
      this.cache = cache;
    }
    this.uploads = new Uploads(this, 'Uploads');
    this.adminToken = new AlphanumericSecret(this, 'AdminToken', {
      description: `Bearer token of ${configuration.name} ${configuration.stage}'s administration routes`,
      length: ADMIN_TOKEN_LENGTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.alarmTopic = new AlarmTopic(this, 'AlarmTopic', configuration.alarms.emails);
    publishBackingServices(this, configuration, this);
    const tags = { app: configuration.name, stage: configuration.stage, ...configuration.tags };
    for (const [key, value] of Object.entries(tags)) Tags.of(this).add(key, value);
  }

  /** The region's zones by their order, resolved by CloudFormation: a synth asks no account. */
  override get availabilityZones(): string[] {
    return zonesOfRegion(MOST_ZONES);
  }
}
