import { Stack, Tags, Validations } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { SECRET_LENGTHS } from '../config';
import type { StageConfiguration } from '../config';
import { AlarmTopic } from './alarm-topic';
import { AlphanumericSecret } from './alphanumeric-secret';
import { publishBackingServices } from './backing-services';
import { keepWhatDataNeeds } from './keep-what-data-needs';
import { Network } from './network';
import { Postgres } from './postgres';
import { zonesOf } from './published-parameters';
import { createRedis } from './redis';
import type { RedisReplicationGroup } from './redis-replication-group';
import { Uploads } from './uploads';

export interface StatefulStackProps extends StackProps {
  readonly configuration: StageConfiguration;
  /** Connections that the database takes in all; 0 leaves it to RDS. */
  readonly maxConnections: number;
}

/** What is kept: network, database, queue, cache, uploads, secrets. Containers come and go in another stack. */
export class StatefulStack extends Stack {
  readonly vpc: ec2.IVpc;
  /** Absent where the configuration names an existing database. */
  readonly database?: Postgres['instance'];
  /** Absent where the configuration names an existing Redis. */
  readonly queue?: RedisReplicationGroup;
  /** The same object as `queue` where one node serves both. */
  readonly cache?: RedisReplicationGroup;
  readonly uploads: Uploads;
  readonly adminToken: AlphanumericSecret;
  readonly alarmTopic: AlarmTopic;
  private readonly network: StageConfiguration['network'];

  constructor(scope: Construct, id: string, { configuration, maxConnections, ...props }: StatefulStackProps) {
    super(scope, id, props);
    const { name, stage, database, redis } = configuration;
    this.network = configuration.network;
    const network = new Network(this, 'Network', configuration);
    this.vpc = network.vpc;
    if (!('existing' in database)) {
      this.database = new Postgres(this, 'Database', { configuration, database, network, maxConnections }).instance;
    }
    if (!('existing' in redis)) {
      const { queue, cache } = createRedis(this, { configuration, redis, network });
      this.queue = queue;
      this.cache = cache;
    }
    this.uploads = new Uploads(this, 'Uploads');
    this.adminToken = new AlphanumericSecret(this, 'AdminToken', {
      description: `Bearer token of the administration routes of ${name} ${stage}`,
      length: SECRET_LENGTHS.token,
    });
    Validations.of(this.adminToken).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'People and scripts hold this token; it changes when they say so, and containers get it when they start.',
    });
    this.alarmTopic = new AlarmTopic(this, 'AlarmTopic', {
      displayName: `${name} ${stage}`,
      emails: configuration.alarms.emails,
    });
    publishBackingServices(this, configuration, this);
    if (configuration.keepDataOnDelete === 'retain') keepWhatDataNeeds(this);
    for (const [key, value] of Object.entries({ app: name, stage, ...configuration.tags }))
      Tags.of(this).add(key, value);
  }

  /** Where a Vpc without zones of its own takes them from. */
  override get availabilityZones(): string[] {
    return 'existing' in this.network ? this.network.existing.availabilityZones : zonesOf(this.network);
  }
}
