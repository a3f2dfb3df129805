import { databaseOf, isServing } from '../aws/backing-servers';
import type { OperationsContext } from '../context';
import { expected, failed, ok, setAgain } from './finding';
import type { Finding } from './finding';

/** Whether the database is what the configuration says. */
export async function checkDatabase(context: OperationsContext): Promise<Finding[]> {
  const { database: wanted } = await context.configuration();
  if ('existing' in wanted) return [ok('database', 'one of your own: not looked at')];
  const database = await databaseOf(context);
  if (database === undefined) return [failed('database', 'the stage has published none', 'Deploy the stateful stack.')];
  const id = database.DBInstanceIdentifier ?? '';
  const modify = `aws rds modify-db-instance --db-instance-identifier ${id} --apply-immediately`;
  const days = database.BackupRetentionPeriod ?? 0;
  const pending = Object.keys(database.PendingModifiedValues ?? {});
  const instanceClass = `db.${wanted.instanceClass}`;
  const hasClass = database.DBInstanceClass === instanceClass;
  const hasVersion = database.EngineVersion === wanted.engineVersion;
  return [
    expected(
      'database, state',
      database.DBInstanceStatus ?? 'unknown',
      isServing(database.DBInstanceStatus),
      'Wait, if it changes; else see its events in the RDS console.',
      'warning',
    ),
    expected(
      'database, zones',
      database.MultiAZ === true ? 'a standby in another zone' : 'in one zone',
      (database.MultiAZ ?? false) || !wanted.multiAz,
      setAgain(`${modify} --multi-az`),
    ),
    expected(
      'database, backups',
      days === 0 ? 'none' : `any moment of ${days} days can be restored`,
      days >= wanted.backupDays,
      setAgain(`${modify} --backup-retention-period ${wanted.backupDays}`),
    ),
    expected(
      'database, deletion protection',
      database.DeletionProtection === true ? 'on' : 'off',
      (database.DeletionProtection ?? false) || !wanted.deletionProtection,
      setAgain(`${modify} --deletion-protection`),
    ),
    expected(
      'database, closed',
      database.PubliclyAccessible === true ? 'open to the internet' : 'not open to the internet',
      database.PubliclyAccessible !== true,
      `${modify} --no-publicly-accessible.`,
    ),
    expected(
      'database, encryption',
      database.StorageEncrypted === true ? 'encrypted at rest' : 'not encrypted at rest',
      (database.StorageEncrypted ?? false) || wanted.fromSnapshot !== undefined,
      'It cannot be added: copy a snapshot with a key and start from it (docs/deploy.md).',
    ),
    expected(
      'database, version',
      `PostgreSQL ${database.EngineVersion ?? 'unknown'} on ${database.DBInstanceClass ?? 'unknown'}`,
      hasVersion && hasClass,
      [
        `The configuration says ${wanted.engineVersion} on ${instanceClass}.`,
        ...(hasClass ? [] : [setAgain(`${modify} --db-instance-class ${instanceClass}`)]),
        ...(hasVersion
          ? []
          : [
              'Deploy, if its version was changed since the last deploy; one that was raised by hand never goes back: write it into the configuration.',
            ]),
      ].join(' '),
      'warning',
    ),
    ...(pending.length === 0
      ? []
      : [
          expected(
            'database, pending',
            `${pending.join(', ')} changes in the next maintenance window`,
            false,
            `To have it now, with a short interruption: ${modify}.`,
            'warning',
          ),
        ]),
  ];
}
