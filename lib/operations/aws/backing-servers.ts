import { DescribeReplicationGroupsCommand } from '@aws-sdk/client-elasticache';
import type { ReplicationGroup } from '@aws-sdk/client-elasticache';
import { DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import type { DBInstance } from '@aws-sdk/client-rds';
import type { OperationsContext } from '../context';
import { EXIT, OperationsError } from '../exit-codes';
import { isAwsError } from './told-error';

/** A server that the stage has published and AWS does not have. */
export class ServerGone extends OperationsError {
  constructor(
    what: string,
    readonly id: string,
  ) {
    super(
      EXIT.missing,
      `The stage has published ${what} ${id}, and AWS does not have it: somebody deleted it beside CloudFormation; docs/operations.md says how to restore it.`,
    );
  }
}

/**
 * States in which a server serves as it does when `available`: while it is copied, or its storage is arranged anew.
 * Sources: RDS guide, "Viewing Amazon RDS DB instance status"; ElastiCache API reference, "ReplicationGroup".
 */
const SERVING = ['available', 'backing-up', 'storage-optimization', 'snapshotting'];

export function isServing(state: string | undefined): boolean {
  return SERVING.includes(state ?? '');
}

/**
 * The stage's own database as RDS has it; undefined where the configuration names one that existed before.
 * @throws ServerGone when it is not there although the stage has published it.
 */
export async function databaseOf(context: OperationsContext): Promise<DBInstance | undefined> {
  const id = await (await context.deployed()).published('database', 'instance-id');
  if (id === undefined) return undefined;
  try {
    const { rds } = await context.aws();
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
    return DBInstances?.[0] ?? gone('the database', id);
  } catch (error) {
    if (isAwsError(error, 'DBInstanceNotFound', 'DBInstanceNotFoundFault')) return gone('the database', id);
    throw error;
  }
}

/**
 * The stage's own Redis for queue or cache as ElastiCache has it; undefined where it existed before, and for the cache
 * where it shares the queue's.
 * @throws ServerGone when it is not there although the stage has published it.
 */
export async function redisOf(
  context: OperationsContext,
  concept: 'queue' | 'cache',
): Promise<ReplicationGroup | undefined> {
  const id = await (await context.deployed()).published(concept, 'replication-group-id');
  if (id === undefined) return undefined;
  try {
    const { elastiCache } = await context.aws();
    const { ReplicationGroups } = await elastiCache.send(
      new DescribeReplicationGroupsCommand({ ReplicationGroupId: id }),
    );
    return ReplicationGroups?.[0] ?? gone('the replication group', id);
  } catch (error) {
    if (isAwsError(error, 'ReplicationGroupNotFoundFault')) return gone('the replication group', id);
    throw error;
  }
}

function gone(what: string, id: string): never {
  throw new ServerGone(what, id);
}
