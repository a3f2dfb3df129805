import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs';
import { CreateReplicationGroupCommand, ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { CreateDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';

export const PROCESSES = ['web', 'worker-default'];
/** By which the stage's alarms tell people. */
export const TOPIC = 'arn:aws:sns:us-east-1:000000000000:shop-test-alarms';

/** ARNs of the secrets by the name that people give them. */
export type SecretArns = Readonly<Record<'database' | 'queue' | 'admin-token', string>>;

/**
 * Makes what a deployed stage `shop test` has, as records: stacks, parameters, secrets, a database, a queue, a cluster
 * with services. Nothing of it runs.
 */
export async function makeStage(region: string): Promise<SecretArns> {
  const clients = { region };
  const [ssm, secrets] = [new SSMClient(clients), new SecretsManagerClient(clients)];
  const secret = async (Name: string, SecretString: string): Promise<string> =>
    (await secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? '';
  const arns = {
    database: await secret('shop/database', JSON.stringify({ username: 'app', password: 'first-of-the-database' })),
    queue: await secret('shop/queue', 'first-token-of-the-queue'),
    'admin-token': await secret('shop/admin-token', 'first-admin-token'),
  };
  await makeServers(region);
  const published = {
    'database/host': 'database.test',
    'database/port': '5432',
    'database/secret-arn': arns.database,
    'database/instance-id': 'shop-test',
    'queue/host': 'queue.test',
    'queue/port': '6379',
    'queue/secret-arn': arns.queue,
    'queue/replication-group-id': 'shop-test-queue',
    'admin-token/secret-arn': arns['admin-token'],
    'alarms/topic-arn': TOPIC,
  };
  for (const [name, Value] of Object.entries(published)) {
    await ssm.send(new PutParameterCommand({ Name: `/shop/test/${name}`, Value, Type: 'String' }));
  }
  await makeStacks(region);
  await makeServices(region, arns);
  return arns;
}

async function makeServers(region: string): Promise<void> {
  await new RDSClient({ region }).send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: 'shop-test',
      DBInstanceClass: 'db.t4g.micro',
      Engine: 'postgres',
      AllocatedStorage: 20,
      MasterUsername: 'app',
      MasterUserPassword: 'first-of-the-database',
      BackupRetentionPeriod: 7,
    }),
  );
  await new ElastiCacheClient({ region }).send(
    new CreateReplicationGroupCommand({
      ReplicationGroupId: 'shop-test-queue',
      ReplicationGroupDescription: 'Queue',
      Engine: 'valkey',
      CacheNodeType: 'cache.t4g.micro',
      AuthToken: 'first-token-of-the-queue',
      TransitEncryptionEnabled: true,
    }),
  );
}

async function makeStacks(region: string): Promise<void> {
  const cloudFormation = new CloudFormationClient({ region });
  for (const part of ['stateful', 'stateless']) {
    await cloudFormation.send(
      new CreateStackCommand({
        StackName: `shop-test-${part}`,
        TemplateBody: JSON.stringify({
          Resources: { Handle: { Type: 'AWS::CloudFormation::WaitConditionHandle' } },
          // Nothing listens there: port 9 is that of discarded traffic.
          Outputs: { Url: { Value: 'http://127.0.0.1:9' } },
        }),
      }),
    );
  }
}

async function makeServices(region: string, arns: SecretArns): Promise<void> {
  const ecs = new ECSClient({ region });
  const logs = new CloudWatchLogsClient({ region });
  await ecs.send(new CreateClusterCommand({ clusterName: 'shop-test' }));
  for (const name of PROCESSES) {
    await logs.send(new CreateLogGroupCommand({ logGroupName: `/shop/test/${name}` }));
    for (const image of ['example.com/shop:1', 'example.com/shop:2']) {
      await ecs.send(
        new RegisterTaskDefinitionCommand({
          family: `shop-test-${name}`,
          networkMode: 'bridge',
          tags: [{ key: 'app', value: 'shop' }],
          containerDefinitions: [
            {
              name,
              image,
              memory: 256,
              secrets: [
                { name: 'QUEUE_REDIS_PASSWORD', valueFrom: arns.queue },
                { name: 'DATABASE_PASSWORD', valueFrom: `${arns.database}:password::` },
                ...(name === 'web' ? [{ name: 'ADMIN_TOKEN', valueFrom: arns['admin-token'] }] : []),
              ],
              logConfiguration: {
                logDriver: 'awslogs',
                options: {
                  'awslogs-group': `/shop/test/${name}`,
                  'awslogs-region': region,
                  'awslogs-stream-prefix': 'shop',
                },
              },
            },
          ],
        }),
      );
    }
    await ecs.send(
      new CreateServiceCommand({
        cluster: 'shop-test',
        serviceName: name,
        taskDefinition: `shop-test-${name}:2`,
        desiredCount: 1,
        launchType: 'EC2',
        enableExecuteCommand: true,
      }),
    );
  }
}
