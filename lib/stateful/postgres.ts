import { createHash } from 'node:crypto';
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as rds from 'aws-cdk-lib/aws-rds';
import { Construct } from 'constructs';
import { SECRET_LENGTHS } from '../config';
import type { StageConfiguration } from '../config';
import { AlphanumericSecret } from './alphanumeric-secret';
import type { Network } from './network';
import { postgresParameters } from './postgres-parameters';
import { SERVER_PORTS } from './published-parameters';
import { quietHours } from './quiet-hours';

export type DatabaseConfiguration = Exclude<StageConfiguration['database'], { existing: unknown }>;

export interface PostgresProps {
  readonly configuration: StageConfiguration;
  readonly database: DatabaseConfiguration;
  readonly network: Network;
  /** @see postgresParameters */
  readonly maxConnections: number;
}

const EXPORTED_LOGS = ['postgresql', 'upgrade'];

/**
 * RDS PostgreSQL, which holds the ledger: encrypted on disk and on the wire, reached only by whom its security group
 * lets in from the other stack.
 *
 * It has a name of its own. CloudFormation refuses to replace what has one, so that no change of the template can put an
 * empty database in its place; only `fromSnapshot` is part of the name, because there a new one is meant.
 *
 * The version in the configuration is the version that runs: minor upgrades are not automatic, because the template
 * would lag behind, and the next deploy would ask for a downgrade, which RDS refuses. Raise `engineVersion` instead.
 * Another major version RDS takes only with `allowMajorVersionUpgrade`, and with a parameter group of its own family:
 * the group is replaced in the same deploy, because its family follows the version.
 */
export class Postgres extends Construct {
  readonly instance: rds.DatabaseInstance | rds.DatabaseInstanceFromSnapshot;

  constructor(scope: Construct, id: string, { configuration, database, network, maxConnections }: PostgresProps) {
    super(scope, id);
    const instanceIdentifier = nameOf(configuration, database);
    const engine = rds.DatabaseInstanceEngine.postgres({ version: versionOf(database.engineVersion) });
    const hours = quietHours(configuration.region);
    const common: rds.DatabaseInstanceSourceProps = {
      instanceIdentifier,
      engine,
      vpc: network.vpc,
      vpcSubnets: network.dataSubnets,
      publiclyAccessible: false,
      port: SERVER_PORTS.postgres,
      securityGroups: [
        new ec2.SecurityGroup(this, 'SecurityGroup', {
          vpc: network.vpc,
          description: 'PostgreSQL: opened by its clients',
          allowAllOutbound: false,
        }),
      ],
      instanceType: new ec2.InstanceType(database.instanceClass),
      multiAz: database.multiAz,
      storageType: rds.StorageType.GP3,
      allocatedStorage: database.storageGiB,
      maxAllocatedStorage: database.maxStorageGiB,
      parameterGroup: new rds.ParameterGroup(this, 'Parameters', {
        engine,
        description: `PostgreSQL of ${configuration.name} ${configuration.stage}`,
        parameters: postgresParameters({ maxConnections, storageGiB: database.storageGiB }),
      }),
      // Clients check the certificate against this authority (sslmode=verify-full).
      caCertificate: rds.CaCertificate.RDS_CA_RSA2048_G1,
      autoMinorVersionUpgrade: false,
      ...(database.allowMajorVersionUpgrade && { allowMajorVersionUpgrade: true }),
      backupRetention: Duration.days(database.backupDays),
      preferredBackupWindow: hours.databaseBackup,
      preferredMaintenanceWindow: hours.databaseMaintenance,
      // Where deleting is an accident, a time before it can still be restored.
      deleteAutomatedBackups: !database.deletionProtection,
      copyTagsToSnapshot: true,
      deletionProtection: database.deletionProtection,
      removalPolicy: configuration.keepDataOnDelete === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.SNAPSHOT,
      cloudwatchLogsExports: EXPORTED_LOGS,
      enablePerformanceInsights: true,
      performanceInsightRetention: rds.PerformanceInsightRetention.DEFAULT,
      databaseInsightsMode: rds.DatabaseInsightsMode.STANDARD,
    };
    const secret = new AlphanumericSecret(this, 'Secret', {
      description: `User and password of the database of ${configuration.name} ${configuration.stage}`,
      length: SECRET_LENGTHS.database,
      username: database.user,
    });
    this.instance =
      database.fromSnapshot === undefined
        ? new rds.DatabaseInstance(this, 'Instance', {
            ...common,
            databaseName: database.name,
            credentials: rds.Credentials.fromSecret(secret, database.user),
            storageEncrypted: true,
          })
        : // Names, encryption and data are the snapshot's; the user gets a new password, that of the secret.
          new rds.DatabaseInstanceFromSnapshot(this, 'Instance', {
            ...common,
            snapshotIdentifier: database.fromSnapshot,
            credentials: rds.SnapshotCredentials.fromSecret(secret),
          });
    this.keepLogs(this.instance.node.defaultChild as rds.CfnDBInstance, instanceIdentifier, configuration);
    this.acknowledgeFindings(database);
  }

  /** Makes the groups that RDS writes its logs to before it does, because its own would keep them for ever. */
  private keepLogs(instance: rds.CfnDBInstance, identifier: string, { logRetentionDays }: StageConfiguration): void {
    for (const log of EXPORTED_LOGS) {
      const logGroup = new logs.CfnLogGroup(this, `${log}-log`, {
        logGroupName: `/aws/rds/instance/${identifier}/${log}`,
        retentionInDays: logRetentionDays,
      });
      logGroup.applyRemovalPolicy(RemovalPolicy.DESTROY);
      instance.addResourceDependency(logGroup);
    }
  }

  private acknowledgeFindings({ multiAz, deletionProtection, fromSnapshot }: DatabaseConfiguration): void {
    const findings = [
      {
        id: 'AwsSolutions-SMG4',
        reason:
          'Containers get the password when they start; a rotation on a schedule would lock the running ones out until they are replaced.',
      },
      {
        id: 'AwsSolutions-RDS11',
        reason:
          'Another port hides nothing: the security group admits the containers only, and TLS and a password are needed.',
      },
      ...(multiAz
        ? []
        : [
            {
              id: 'AwsSolutions-RDS3',
              reason:
                'Off by configuration (database.multiAz): this stage gives up availability for half the price, not data; commits are on a replicated volume, with backups for point-in-time recovery.',
            },
          ]),
      ...(deletionProtection
        ? []
        : [
            {
              id: 'AwsSolutions-RDS10',
              reason:
                'Off by configuration (database.deletionProtection): this stage is meant to be removed again; a last snapshot remains.',
            },
          ]),
      ...(fromSnapshot === undefined
        ? []
        : [
            {
              id: 'AwsSolutions-RDS2',
              reason:
                'A restored database is encrypted as its snapshot is, which no property of the template can change; snapshots that this stack took are encrypted.',
            },
          ]),
    ];
    Validations.of(this).acknowledge(...findings);
  }
}

function versionOf(engineVersion: string): rds.PostgresEngineVersion {
  return rds.PostgresEngineVersion.of(engineVersion, engineVersion.split('.')[0] ?? engineVersion);
}

/** At most 63 characters, without two dashes in a row. */
function nameOf({ name, stage }: StageConfiguration, { fromSnapshot }: DatabaseConfiguration): string {
  const origin =
    fromSnapshot === undefined ? [] : [createHash('sha256').update(fromSnapshot).digest('hex').slice(0, 8)];
  return [name, stage, ...origin].join('-').replaceAll(/-+/g, '-');
}
