import { paginateDescribeSnapshots } from '@aws-sdk/client-elasticache';
import type { ReplicationGroup } from '@aws-sdk/client-elasticache';
import { paginateDescribeDBSnapshots } from '@aws-sdk/client-rds';
import type { DBInstance } from '@aws-sdk/client-rds';
import type { AwsClients } from '../aws/clients';

/** A snapshot of the stage's database or of its queue. */
export interface Snapshot {
  readonly id: string;
  readonly of: 'database' | 'queue';
  /** Who asked for it: `manual`, `automated`, or another word of AWS. */
  readonly kind: string;
  readonly status: string;
  readonly at: Date | undefined;
  /** GiB of the database's storage; null of the queue, which has none. */
  readonly gib: number | null;
}

/** All snapshots of both, newest first; of one that is undefined there are none. */
export async function snapshotsOf(
  { rds, elastiCache }: AwsClients,
  database: DBInstance | undefined,
  queue: ReplicationGroup | undefined,
): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  if (database !== undefined) {
    const { DBInstanceIdentifier } = database;
    for await (const { DBSnapshots = [] } of paginateDescribeDBSnapshots({ client: rds }, { DBInstanceIdentifier })) {
      found.push(
        ...DBSnapshots.map((snapshot) => ({
          id: snapshot.DBSnapshotIdentifier ?? '',
          of: 'database' as const,
          kind: snapshot.SnapshotType ?? '',
          status: snapshot.Status ?? '',
          at: snapshot.SnapshotCreateTime,
          gib: snapshot.AllocatedStorage ?? 0,
        })),
      );
    }
  }
  if (queue !== undefined) {
    const { ReplicationGroupId } = queue;
    for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: elastiCache }, { ReplicationGroupId })) {
      found.push(
        ...Snapshots.map((snapshot) => ({
          id: snapshot.SnapshotName ?? '',
          of: 'queue' as const,
          kind: snapshot.SnapshotSource ?? '',
          status: snapshot.SnapshotStatus ?? '',
          at: snapshot.NodeSnapshots?.[0]?.SnapshotCreateTime,
          gib: null,
        })),
      );
    }
  }
  return found.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}
