import { CreateSnapshotCommand, DescribeSnapshotsCommand } from '@aws-sdk/client-elasticache';
import { CreateDBSnapshotCommand, DescribeDBSnapshotsCommand } from '@aws-sdk/client-rds';
import { databaseOf, redisOf } from './aws/backing-servers';
import { pause } from './aws/services';
import { snapshotId } from './backup/snapshot-id';
import { snapshotsOf } from './backup/snapshots';
import { isSet } from './command';
import type { CommandResult, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { EXIT, OperationsError, missingError } from './exit-codes';
import { ago, moment } from './output/amounts';
import { GAP, good, pairs, quiet, text } from './output/block';

const POLL_MS = 10_000;
const NO_WAIT = 'AWS goes on with the snapshot; npx holdfast backup --list shows when it is there.';

export const backup: OperationsCommand = {
  name: 'backup',
  summary: 'Take a snapshot of the database now, or list those there are',
  description:
    'Take a snapshot of the database now, besides the automatic ones, and wait until it is there; it is kept, and costs its storage, until you delete it. The queue is taken along where an engine other than holdfast keeps tasks in it: the ledger has those of holdfast.',
  options: { '--list': 'list the snapshots instead', '--queue': "take the queue's Redis along in any case" },
  examples: ['backup --stage production', 'backup --list --stage production'],
  notLocal: 'its data is in .holdfast, which can be copied while it is stopped',
  run: (context, input) => (isSet(input, 'list') ? list(context) : take(context, { queue: isSet(input, 'queue') })),
};

async function take(context: OperationsContext, asked: { readonly queue: boolean }): Promise<CommandResult> {
  const { name, stage, taskEngine } = await context.configuration();
  const id = snapshotId({ name, stage }, new Date());
  const database = await databaseOf(context);
  const queue = asked.queue || taskEngine !== 'holdfast' ? await redisOf(context, 'queue') : undefined;
  if (database === undefined && queue === undefined) {
    throw missingError(
      `The stage ${stage} has no database of its own (database.existing): take a backup of it where it is run.`,
    );
  }
  const { rds, elastiCache } = await context.aws();
  await context.terminal.during(
    'Asking for the snapshot',
    async () => {
      if (database !== undefined) {
        const { DBInstanceIdentifier } = database;
        await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier, DBSnapshotIdentifier: id }));
      }
      if (queue !== undefined) {
        const { ReplicationGroupId } = queue;
        await elastiCache.send(new CreateSnapshotCommand({ ReplicationGroupId, SnapshotName: id }));
      }
    },
    { goesOn: `what AWS has begun of the snapshot ${id} goes on; npx holdfast backup --list shows it.` },
  );
  if (database !== undefined) {
    await untilThere(context, `Snapshot ${id}`, 'RDS', async () => {
      const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }));
      const { Status = '', PercentProgress = 0 } = DBSnapshots?.[0] ?? {};
      return { status: Status, detail: `${PercentProgress} %` };
    });
  }
  if (queue !== undefined) {
    await untilThere(context, `Snapshot ${id} of the queue`, 'ElastiCache', async () => {
      const { Snapshots } = await elastiCache.send(new DescribeSnapshotsCommand({ SnapshotName: id }));
      return { status: Snapshots?.[0]?.SnapshotStatus ?? '', detail: '' };
    });
  }
  return {
    data: { snapshot: id, database: database?.DBInstanceIdentifier, queue: queue?.ReplicationGroupId },
    view: [
      text(good('The snapshot is there.')),
      pairs(
        ['Snapshot', id],
        ...(database === undefined ? [] : [['Of database', database.DBInstanceIdentifier ?? ''] as const]),
        ...(queue === undefined ? [] : [['Of queue', queue.ReplicationGroupId ?? ''] as const]),
      ),
      GAP,
      text(`To restore it: docs/operations.md, "Restore from a backup", with database.fromSnapshot: '${id}'.`),
    ],
  };
}

async function untilThere(
  context: OperationsContext,
  what: string,
  console: 'RDS' | 'ElastiCache',
  ask: () => Promise<{ readonly status: string; readonly detail: string }>,
): Promise<void> {
  await context.terminal.during(
    what,
    async (tell) => {
      for (;;) {
        const { status, detail } = await ask();
        if (status === 'available') return;
        if (/fail|delet/.test(status)) {
          throw new OperationsError(
            EXIT.unavailable,
            `${what} is ${status}: see the events in the ${console} console.`,
          );
        }
        tell(detail === '' ? status : detail);
        await pause(POLL_MS, context.signal);
      }
    },
    { goesOn: NO_WAIT },
  );
}

async function list(context: OperationsContext): Promise<CommandResult> {
  const { stage } = await context.configuration();
  const database = await databaseOf(context);
  const queue = await redisOf(context, 'queue');
  if (database === undefined && queue === undefined) {
    throw missingError(
      `The stage ${stage} has no database or queue of its own (database.existing, redis.existing): their backups are elsewhere.`,
    );
  }
  const aws = await context.aws();
  const snapshots = await context.terminal.during('Asking AWS', () => snapshotsOf(aws, database, queue));
  const latest = database?.LatestRestorableTime;
  const days = database?.BackupRetentionPeriod ?? 0;
  return {
    data: { snapshots, restorableUntil: latest ?? null, backupDays: days },
    view: [
      text(
        latest === undefined
          ? quiet('Nothing is said about a point in time to restore to.')
          : `Any moment of the last ${days} days up to ${moment(latest)} can be restored.`,
      ),
      ...(snapshots.length === 0
        ? [text('There is no snapshot.')]
        : [
            {
              kind: 'table' as const,
              columns: [
                { heading: 'Snapshot', cuts: 'middle' as const },
                { heading: 'Of' },
                { heading: 'Taken', align: 'right' as const },
                { heading: 'Size', align: 'right' as const },
                { heading: 'By' },
                { heading: 'State' },
              ],
              rows: snapshots.map(({ id, of, at, gib, kind, status }) => [
                ...[id, of, at === undefined ? '' : ago(at), gib === null ? '' : `${gib} GiB`],
                kind === 'manual' ? 'hand' : kind === 'automated' ? 'AWS' : kind,
                status,
              ]),
            },
          ]),
    ],
  };
}
