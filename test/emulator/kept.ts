import assert from 'node:assert/strict';
import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeLogGroupsCommand, CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ECSClient, ListClustersCommand } from '@aws-sdk/client-ecs';
import {
  DescribeReplicationGroupsCommand,
  DescribeSnapshotsCommand,
  ElastiCacheClient,
} from '@aws-sdk/client-elasticache';
import { DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, RDSClient } from '@aws-sdk/client-rds';
import { ListBucketsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { listContainers } from '../image/docker';
import type { EmulatedAws } from './emulated-aws';

/** What is there after `cdk destroy`. */
export interface Kept {
  /** Objects in the bucket of uploads. */
  readonly objects: number;
}

/** Besides the stage's own: of `cdk bootstrap`, which all stages of an account share. */
const OF_BOOTSTRAP = /^(CDKToolkit$|cdk-)/;

/** Named by `npx holdfast backup`, which says that they stay. */
const OF_BACKUP = /-\d{8}-\d{6}$/;

/**
 * The emulator writes a function's last lines without its role, and makes the group anew that the stack has deleted. On
 * AWS only the CDK's own function, which empties the bucket of access logs, may make one, and leaves it.
 */
const OF_FUNCTIONS = /^\/aws\/(lambda|cloudformation)\//;

/**
 * Asks the emulated AWS what the destroyed stage has left. Snapshots are records there: that they are made is seen, not
 * that they could be restored.
 * @throws when something is gone that has to be kept, or something else is left.
 */
export async function checkKept({ client }: EmulatedAws): Promise<Kept> {
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const buckets = (await s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name = '' }) => Name) ?? [];
  const uploads = buckets.find((name) => name.includes('uploads'));
  const others = buckets.filter((name) => name !== uploads && !OF_BOOTSTRAP.test(name));
  assert.ok(uploads !== undefined, 'the bucket of uploads is gone');
  const objects = (await s3.send(new ListObjectsV2Command({ Bucket: uploads }))).KeyCount ?? 0;
  assert.deepEqual(
    { ...(await snapshots(client)), ...(await left(client)), buckets: others },
    {
      ...{ databaseSnapshots: 1, queueSnapshots: 1 },
      ...{ stacks: [], databases: [], queues: [], clusters: [], secrets: [], logs: [] },
      ...{ containers: [], buckets: [] },
    },
  );
  console.log(
    `       kept: the bucket ${uploads} with ${objects} objects, a last snapshot each of database and queue (records)`,
  );
  return { objects };
}

type ClientOptions = EmulatedAws['client'];

async function snapshots(client: ClientOptions) {
  const database = await new RDSClient(client).send(new DescribeDBSnapshotsCommand({}));
  const queue = await new ElastiCacheClient(client).send(new DescribeSnapshotsCommand({}));
  const lastOnes = (database.DBSnapshots ?? []).filter(
    ({ DBSnapshotIdentifier = '' }) => !OF_BACKUP.test(DBSnapshotIdentifier),
  );
  return { databaseSnapshots: lastOnes.length, queueSnapshots: queue.Snapshots?.length };
}

async function left(client: ClientOptions) {
  const [stacks, databases, queues, clusters, secrets, logs] = await Promise.all([
    new CloudFormationClient(client).send(new ListStacksCommand({})),
    new RDSClient(client).send(new DescribeDBInstancesCommand({})),
    new ElastiCacheClient(client).send(new DescribeReplicationGroupsCommand({})),
    new ECSClient(client).send(new ListClustersCommand({})),
    new SecretsManagerClient(client).send(new ListSecretsCommand({})),
    new CloudWatchLogsClient(client).send(new DescribeLogGroupsCommand({})),
  ]);
  return {
    stacks: stacks.StackSummaries?.filter(
      ({ StackName = '', StackStatus }) => !OF_BOOTSTRAP.test(StackName) && StackStatus !== 'DELETE_COMPLETE',
    ).map(({ StackName }) => StackName),
    databases: databases.DBInstances?.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier),
    queues: queues.ReplicationGroups?.map(({ ReplicationGroupId }) => ReplicationGroupId),
    clusters: clusters.clusterArns,
    secrets: secrets.SecretList?.map(({ Name }) => Name),
    logs: logs.logGroups?.map(({ logGroupName }) => logGroupName).filter((name = '') => !OF_FUNCTIONS.test(name)),
    containers: await listContainers(),
  };
}
