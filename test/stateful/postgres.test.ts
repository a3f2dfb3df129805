import { Match } from 'aws-cdk-lib/assertions';
import type { StageOverrides } from '../../lib/config';
import { propertiesOf, synthesize } from './stateful-fixture';

type Properties = Record<string, unknown>;

function databaseOf(stage: 'dev' | 'production', database: StageOverrides['database'] = {}): Properties {
  return propertiesOf(synthesize(stage, { database }).template, 'AWS::RDS::DBInstance')[0]!;
}

function parametersOf(overrides: StageOverrides = {}, maxConnections = 112): Properties {
  const { template } = synthesize('production', overrides, maxConnections);
  return propertiesOf(template, 'AWS::RDS::DBParameterGroup')[0]!.Parameters as Properties;
}

test('production survives the loss of a zone and an accidental delete', () => {
  expect(databaseOf('production')).toMatchObject({
    MultiAZ: true,
    DeletionProtection: true,
    BackupRetentionPeriod: 7,
    DeleteAutomatedBackups: false,
  });
});

test('dev is cheap and can be removed', () => {
  expect(databaseOf('dev')).toMatchObject({ MultiAZ: false, DeletionProtection: false, DeleteAutomatedBackups: true });
});

test('data is encrypted on disk, and the storage grows by itself', () => {
  expect(databaseOf('dev')).toMatchObject({
    StorageEncrypted: true,
    StorageType: 'gp3',
    AllocatedStorage: '20',
    MaxAllocatedStorage: 100,
    CopyTagsToSnapshot: true,
  });
});

test('connections in clear text are refused, and the certificate is of a known authority', () => {
  expect(parametersOf()['rds.force_ssl']).toBe('1');
  expect(databaseOf('dev')).toMatchObject({
    CACertificateIdentifier: 'rds-ca-rsa2048-g1',
    PubliclyAccessible: false,
  });
});

test('the version is the one of the configuration, and nothing raises it behind its back', () => {
  const { template } = synthesize('dev', { database: { engineVersion: '17.11' } });
  template.hasResourceProperties('AWS::RDS::DBInstance', { EngineVersion: '17.11', AutoMinorVersionUpgrade: false });
  template.hasResourceProperties('AWS::RDS::DBParameterGroup', { Family: 'postgres17' });
});

describe('another major version', () => {
  test('is left to RDS to refuse, unless the configuration allows it', () => {
    expect(databaseOf('production')).not.toHaveProperty('AllowMajorVersionUpgrade');
    expect(databaseOf('production', { allowMajorVersionUpgrade: true })).toMatchObject({
      AllowMajorVersionUpgrade: true,
      AutoMinorVersionUpgrade: false,
    });
  });

  test('brings a parameter group of its family along, and keeps the database what it is', () => {
    const before = synthesize('production', { database: { engineVersion: '17.11' } }).template;
    const after = synthesize('production', {
      database: { engineVersion: '18.6', allowMajorVersionUpgrade: true },
    }).template;
    const groups = [before, after].map((template) => template.findResources('AWS::RDS::DBParameterGroup'));
    const families = groups.flatMap((found) => Object.values(found)).map(({ Properties }) => Properties as Properties);
    expect(families.map(({ Family }) => Family)).toEqual(['postgres17', 'postgres18']);
    const [id] = Object.keys(groups[1]!);
    after.hasResourceProperties('AWS::RDS::DBInstance', { DBParameterGroupName: { Ref: id } });
    // The group has no name of its own, so that CloudFormation can make the new one before the old one goes.
    expect(families[1]).not.toHaveProperty('DBParameterGroupName');
    const names = [before, after].map((template) => propertiesOf(template, 'AWS::RDS::DBInstance')[0]);
    expect(names.map((instance) => instance?.DBInstanceIdentifier)).toEqual(Array(2).fill('library-production'));
  });
});

test('the password is letters and digits from a secret that the template only refers to', () => {
  const { template } = synthesize('dev');
  template.hasResourceProperties('AWS::SecretsManager::Secret', {
    GenerateSecretString: {
      ExcludePunctuation: true,
      IncludeSpace: false,
      GenerateStringKey: 'password',
      PasswordLength: 40,
      SecretStringTemplate: '{"username":"app"}',
    },
  });
  expect(JSON.stringify(databaseOf('dev').MasterUserPassword)).toMatch(/resolve:secretsmanager.*SecretString:password/);
  template.hasResourceProperties('AWS::SecretsManager::SecretTargetAttachment', {
    TargetType: 'AWS::RDS::DBInstance',
  });
});

describe('parameters', () => {
  test('max_connections is what the connection budget was checked against', () => {
    expect(parametersOf({}, 225).max_connections).toBe('225');
    expect(parametersOf({}, 0)).not.toHaveProperty('max_connections');
  });

  test.each([
    [20, '2048'],
    [100, '8192'],
    [1_000, '8192'],
  ])('with %d GiB, a failover replays at most %s MiB', (storageGiB, maxWalSize) => {
    expect(parametersOf({ database: { storageGiB, maxStorageGiB: 2_000 } }).max_wal_size).toBe(maxWalSize);
  });

  test('an accepted task is on disk when the caller hears of it', () => {
    expect(parametersOf().synchronous_commit).toBe('on');
  });

  test('a transaction left open does not hold dead rows back for longer than a minute', () => {
    expect(parametersOf().idle_in_transaction_session_timeout).toBe('60000');
  });

  test('slow statements are logged without their values', () => {
    expect(parametersOf()).toMatchObject({
      log_min_duration_statement: '1000',
      log_parameter_max_length: '0',
      log_parameter_max_length_on_error: '0',
    });
  });
});

test('logs are kept as long as the configuration says, in groups that are there first', () => {
  const { template } = synthesize('production', { logRetentionDays: 30 });
  const groups = Object.keys(template.findResources('AWS::Logs::LogGroup'));
  const kept = propertiesOf(template, 'AWS::Logs::LogGroup');
  expect(kept.map(({ LogGroupName, RetentionInDays }) => [LogGroupName, RetentionInDays])).toEqual([
    ['/aws/rds/instance/library-production/postgresql', 30],
    ['/aws/rds/instance/library-production/upgrade', 30],
  ]);
  template.hasResource('AWS::RDS::DBInstance', {
    Properties: {
      DBInstanceIdentifier: 'library-production',
      EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
    },
    DependsOn: Match.arrayWith(groups.sort()),
  });
});

test('Database Insights runs in the mode that costs nothing', () => {
  expect(databaseOf('dev')).toMatchObject({
    DatabaseInsightsMode: 'standard',
    EnablePerformanceInsights: true,
    PerformanceInsightsRetentionPeriod: 7,
  });
});

describe('from a snapshot', () => {
  const database = { fromSnapshot: 'before-the-move' };

  test("the data is the snapshot's, the password that of the secret", () => {
    const restored = databaseOf('production', database);
    expect(restored.DBSnapshotIdentifier).toBe('before-the-move');
    expect(JSON.stringify(restored.MasterUserPassword)).toMatch(/resolve:secretsmanager.*SecretString:password/);
    for (const property of ['DBName', 'MasterUsername', 'StorageEncrypted'])
      expect(restored).not.toHaveProperty(property);
  });

  test('the database has another name, so that it can be made beside the one that it replaces', () => {
    const names = [{}, database, { fromSnapshot: 'after-the-move' }].map(
      (choice) => databaseOf('production', choice).DBInstanceIdentifier,
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^library-production(-[0-9a-f]{8})?$/);
  });
});
