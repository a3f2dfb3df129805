import { TestFailoverCommand } from '@aws-sdk/client-elasticache';
import type { ReplicationGroup } from '@aws-sdk/client-elasticache';
import { RebootDBInstanceCommand } from '@aws-sdk/client-rds';
import { databaseOf, redisOf } from '../aws/backing-servers';
import type { OperationsContext } from '../context';
import { missingError, usageError } from '../exit-codes';
import type { Disaster } from './drill';

/** RDS shows the state of before for some seconds. */
const SETTLE_MS = 20_000;

/** The primary goes, and its replica takes over. */
export function failover(context: OperationsContext, of: 'queue' | 'database'): Promise<Disaster> {
  if (context.isLocal) {
    throw usageError('drill failover does nothing with --stage local: its servers have no replicas; drill queue-loss.');
  }
  return of === 'queue' ? ofQueue(context) : ofDatabase(context);
}

/** Source: ElastiCache API reference, TestFailover: at most 15 node groups in 24 hours. */
async function ofQueue(context: OperationsContext): Promise<Disaster> {
  const group = await redisOf(context, 'queue');
  if (group === undefined) throw existingServer(context, 'Redis', 'redis.existing');
  const { ReplicationGroupId, AutomaticFailover, NodeGroups: [nodes] = [] } = group;
  if (AutomaticFailover !== 'enabled') {
    throw usageError(
      `The queue ${ReplicationGroupId ?? ''} has no replica to fail over to; allowed is redis.queue.replicas of 1 or more: set it and deploy, or drill queue-loss.`,
    );
  }
  const { elastiCache } = await context.aws();
  const before = primaryOf(group);
  return {
    what: `fail the queue's Redis over from ${before}`,
    strike: async () => {
      const at = Date.now();
      await elastiCache.send(new TestFailoverCommand({ ReplicationGroupId, NodeGroupId: nodes?.NodeGroupId }));
      return { broke: `ElastiCache was asked to fail over from ${before}.`, at };
    },
    isWhole: async () => {
      const now = await redisOf(context, 'queue');
      return now?.Status === 'available' && primaryOf(now) !== before;
    },
  };
}

function primaryOf({ NodeGroups: [nodes] = [] }: ReplicationGroup): string {
  const members = nodes?.NodeGroupMembers ?? [];
  return members.find(({ CurrentRole }) => CurrentRole === 'primary')?.CacheClusterId ?? 'its primary';
}

/** Source: RDS API reference, RebootDBInstance, ForceFailover: only with a standby in another zone. */
async function ofDatabase(context: OperationsContext): Promise<Disaster> {
  const database = await databaseOf(context);
  if (database === undefined) throw existingServer(context, 'database', 'database.existing');
  const { DBInstanceIdentifier: id = '', MultiAZ } = database;
  if (MultiAZ !== true) {
    throw usageError(
      `The database ${id} has no standby to fail over to; allowed is database.multiAz of true: set it and deploy first.`,
    );
  }
  const { rds } = await context.aws();
  let struckAt = 0;
  return {
    what: `fail the database ${id} over to its standby`,
    strike: async () => {
      struckAt = Date.now();
      await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: id, ForceFailover: true }));
      return { broke: `RDS was asked to fail ${id} over to its standby.`, at: struckAt };
    },
    isWhole: async () => {
      const { DBInstanceStatus } = (await databaseOf(context)) ?? {};
      return DBInstanceStatus === 'available' && Date.now() - struckAt > SETTLE_MS;
    },
  };
}

function existingServer({ stage }: OperationsContext, what: string, key: string) {
  return missingError(`The ${what} of stage ${stage} existed before it (${key}): fail it over where it is run.`);
}
