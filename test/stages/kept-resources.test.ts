import keptResources from './kept-resources.json';
import reference from '../../holdfast.config';
import type { Configuration, StageOverrides } from '../../lib/config';
import { STAGES, resourcesOf, synthesize } from './synthesize';
import type { Resource, TemplateJson } from './synthesize';

/** What holds data or is the address of data: replacing one of these loses work. */
const KEPT_TYPES = [
  'AWS::RDS::DBInstance',
  'AWS::RDS::DBSubnetGroup',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::ElastiCache::SubnetGroup',
  'AWS::S3::Bucket',
  'AWS::SecretsManager::Secret',
  'AWS::EC2::VPC',
  'AWS::EC2::Subnet',
  'AWS::EC2::SecurityGroup',
  'AWS::SNS::Topic',
  'AWS::SSM::Parameter',
];

/**
 * Properties whose change makes CloudFormation replace the resource. Source: CloudFormation template reference, "Update
 * requires: Replacement", of those that the stack sets.
 */
const CREATE_ONLY: Readonly<Record<string, readonly string[]>> = {
  'AWS::RDS::DBInstance': [
    ...['AvailabilityZone', 'DBInstanceIdentifier', 'DBName', 'DBSnapshotIdentifier', 'DBSubnetGroupName', 'Engine'],
    ...['KmsKeyId', 'MasterUsername', 'StorageEncrypted'],
  ],
  'AWS::RDS::DBSubnetGroup': ['DBSubnetGroupName'],
  'AWS::ElastiCache::ReplicationGroup': [
    ...['AtRestEncryptionEnabled', 'AuthToken', 'CacheSubnetGroupName', 'KmsKeyId', 'Port', 'TransitEncryptionEnabled'],
    ...['DataTieringEnabled', 'Durability', 'NetworkType', 'ReplicationGroupId', 'SnapshotName'],
  ],
  'AWS::ElastiCache::SubnetGroup': ['CacheSubnetGroupName'],
  'AWS::S3::Bucket': ['BucketName', 'ObjectLockEnabled'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::EC2::VPC': ['CidrBlock', 'InstanceTenancy'],
  'AWS::EC2::Subnet': ['AvailabilityZone', 'CidrBlock', 'VpcId'],
  'AWS::EC2::SecurityGroup': ['GroupDescription', 'GroupName', 'VpcId'],
  'AWS::SNS::Topic': ['TopicName', 'FifoTopic'],
  'AWS::SSM::Parameter': ['Name', 'Type'],
};
function createOnly(resource: Resource | undefined): Readonly<Record<string, unknown>> {
  const { Type = '', Properties = {} } = resource ?? {};
  const names = CREATE_ONLY[Type] ?? [];
  return { Type, ...Object.fromEntries(names.map((name) => [name, Properties[name]])) };
}

/** Changes of the kept side that a stage may make while it runs. */
const CHANGES: Readonly<Record<string, StageOverrides>> = {
  'larger and more servers': {
    database: { instanceClass: 'm7g.large', storageGiB: 100, maxStorageGiB: 200, backupDays: 14 },
    redis: {
      queue: { nodeType: 'cache.m7g.large', engineVersion: '9.0', replicas: 2, snapshotDays: 7 },
      cache: { nodeType: 'cache.m7g.large' },
    },
  },
  'fewer servers': {
    database: { multiAz: false, deletionProtection: false },
    redis: { queue: { replicas: 0, snapshotDays: 0 } },
    acknowledge: { 'holdfast:single-zone-database': 'Only the template is looked at.' },
  },
  'a cache that shares the node of the queue': {
    redis: { cache: 'shared' },
    acknowledge: { 'holdfast:shared-cache': 'Only the template is looked at.' },
  },
  'a major version of PostgreSQL': { database: { engineVersion: '17.11', allowMajorVersionUpgrade: true } },
  'no NAT': { network: { natGateways: 0 } },
  'a third zone and NAT in each': { network: { availabilityZones: 3, natGateways: 3, flowLogs: true } },
  'other alarms, tags and what remains': {
    alarms: { set: 'essential' },
    tags: { team: 'films' },
    keepDataOnDelete: 'retain',
    logRetentionDays: 30,
  },
};
/** What these changes give up: alarms, and the concepts that they name. */
const GIVEN_UP =
  /^(Alarms|Cache|Published(cache|network)|NetworkVpc\w*(Private|NAT|EIP|Natgateway|PublicSubnet\d\w*(EIP|NAT)))/i;

function keptIds(template: TemplateJson): Record<string, string> {
  const kept = KEPT_TYPES.flatMap((type) => resourcesOf(template, type));
  return Object.fromEntries(kept.map(([id, { Type }]) => [id, Type] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** With all their properties; alarms stand beside them, with thresholds that follow the number of processes. */
function keptResourcesOf(template: TemplateJson): readonly (readonly [string, Resource])[] {
  return Object.entries(template.Resources).filter(([, { Type }]) => Type !== 'AWS::CloudWatch::Alarm');
}

/** The kept stack of the reference, made once. */
const production = (() => {
  let template: TemplateJson | undefined;
  return (): TemplateJson => (template ??= synthesize('production').json.stateful);
})();

describe('what is kept', () => {
  test.each(STAGES)('has the logical ids of test/stages/kept-resources.json in %s', (stage) => {
    // A logical id that changes makes CloudFormation create a second, empty database, queue or bucket.
    expect(keptIds(synthesize(stage).json.stateful)).toEqual(keptResources[stage]);
  });

  test('no change of the replaceable side changes the kept stack', () => {
    const before = keptResourcesOf(production());
    expect(before.length).toBeGreaterThan(30);
    const variations: Configuration[] = [
      { ...reference, web: { ...reference.web, port: 3000, healthPath: '/up', memoryMiB: 512 } },
      {
        ...reference,
        workers: { other: { command: ['run'], queues: [{ name: 'other' }] } },
        stages: { production: { region: 'us-east-1', budgetUsdPerMonth: 215 } },
      },
      {
        ...reference,
        image: { reference: 'nginx:1.29-alpine' },
        acknowledge: {
          ...reference.acknowledge,
          'holdfast:image-architecture': 'Only the template is looked at.',
        },
      },
      {
        ...reference,
        fleet: { instanceType: 't4g.large', max: 4, machineImageRelease: '20260727' },
        stages: { production: { region: 'us-east-1' } },
      },
      {
        ...reference,
        stages: {
          production: {
            region: 'us-east-1',
            fleet: { instanceType: 'm7g.large', networkMode: 'awsvpc', ecsExec: true },
          },
        },
      },
    ];
    for (const configuration of variations) {
      expect(keptResourcesOf(synthesize('production', configuration).json.stateful)).toEqual(before);
    }
  });

  test.each(Object.entries(CHANGES))('is not replaced by %s', (_what, overrides) => {
    const before = production();
    const configuration = { ...reference, stages: { production: { region: 'us-east-1', ...overrides } } };
    const after = synthesize('production', configuration).json.stateful;
    expect(resourcesOf(after, 'AWS::RDS::DBInstance')).toHaveLength(1);
    const kept = Object.entries(before.Resources).filter(([id]) => after.Resources[id] !== undefined);
    const fixed = ([id, resource]: readonly [string, Resource | undefined]) => [id, createOnly(resource)];
    expect(kept.map(([id]) => fixed([id, after.Resources[id]]))).toEqual(kept.map(fixed));
    // Nothing goes but what the change is about.
    const gone = Object.keys(before.Resources).filter((id) => after.Resources[id] === undefined);
    expect(gone.filter((id) => !GIVEN_UP.test(id))).toEqual([]);
  });

  test('the replaceable stack holds no data', () => {
    for (const stage of STAGES) {
      const { stateless } = synthesize(stage).json;
      const types = new Set(Object.values(stateless.Resources).map(({ Type }) => Type));
      for (const type of [
        'AWS::RDS::DBInstance',
        'AWS::ElastiCache::ReplicationGroup',
        'AWS::SecretsManager::Secret',
      ]) {
        expect(types).not.toContain(type);
      }
    }
  });

  test('no stack imports a value of another', () => {
    for (const stage of STAGES) {
      const text = JSON.stringify(synthesize(stage).json);
      expect(text).not.toMatch(/Fn::ImportValue|Fn::GetStackOutput/);
    }
  });
});
