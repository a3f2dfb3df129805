import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as rds from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { SERVER_PORTS } from './published-parameters';
import type { Network } from './network';

export interface PostgresProps {
  readonly configuration: StageConfiguration;
  readonly database: Exclude<StageConfiguration['database'], { existing: unknown }>;
  readonly network: Network;
  readonly maxConnections: number;
}

export function createPostgres(scope: Construct, { configuration, database, network, maxConnections }: PostgresProps) {
  const engine = rds.DatabaseInstanceEngine.postgres({
    version: rds.PostgresEngineVersion.of(database.engineVersion, database.engineVersion.split('.')[0] ?? ''),
  });
  const securityGroup = new ec2.SecurityGroup(scope, 'DatabaseSecurityGroup', {
    vpc: network.vpc,
    description: 'PostgreSQL: opened by its clients',
    allowAllOutbound: false,
  });
  return new rds.DatabaseInstance(scope, 'Database', {
    engine,
    vpc: network.vpc,
    vpcSubnets: network.dataSubnets,
    securityGroups: [securityGroup],
    port: SERVER_PORTS.postgres,
    instanceType: new ec2.InstanceType(database.instanceClass),
    credentials: rds.Credentials.fromGeneratedSecret(database.user),
    databaseName: database.name,
    storageEncrypted: true,
    storageType: rds.StorageType.GP3,
    allocatedStorage: database.storageGiB,
    multiAz: database.multiAz,
    backupRetention: Duration.days(database.backupDays),
    deletionProtection: database.deletionProtection,
    removalPolicy: configuration.keepDataOnDelete === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.SNAPSHOT,
    parameters: { max_connections: String(maxConnections) },
  });
}
