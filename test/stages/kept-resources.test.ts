import keptResources from './kept-resources.json';
import reference from '../../holdfast.config';
import type { Configuration } from '../../lib/config';
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

function keptIds(template: TemplateJson): Record<string, string> {
  const kept = KEPT_TYPES.flatMap((type) => resourcesOf(template, type));
  return Object.fromEntries(kept.map(([id, { Type }]) => [id, Type] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** With all their properties; alarms stand beside them, with thresholds that follow the number of processes. */
function keptResourcesOf(template: TemplateJson): readonly (readonly [string, Resource])[] {
  return Object.entries(template.Resources).filter(([, { Type }]) => Type !== 'AWS::CloudWatch::Alarm');
}

describe('what is kept', () => {
  test.each(STAGES)('has the logical ids of test/stages/kept-resources.json in %s', (stage) => {
    // A logical id that changes makes CloudFormation create a second, empty database, queue or bucket.
    expect(keptIds(synthesize(stage).json.stateful)).toEqual(keptResources[stage]);
  });

  test('no change of the replaceable side changes the kept stack', () => {
    const before = keptResourcesOf(synthesize('production').json.stateful);
    expect(before.length).toBeGreaterThan(30);
    const variations: Configuration[] = [
      { ...reference, web: { ...reference.web, port: 3000, healthPath: '/up', memoryMiB: 512 } },
      {
        ...reference,
        workers: { other: { command: ['run'], queues: [{ name: 'other' }] } },
        stages: { production: { region: 'us-east-1', budgetUsdPerMonth: 215 } },
      },
      { ...reference, image: { reference: 'nginx:1.29-alpine' } },
      {
        ...reference,
        fleet: { instanceType: 't4g.large', max: 4, machineImageRelease: '20260727' },
        stages: { production: { region: 'us-east-1' } },
      },
      {
        ...reference,
        stages: {
          production: { region: 'us-east-1', fleet: { networkMode: 'bridge', ecsExec: true } },
        },
      },
    ];
    for (const configuration of variations) {
      expect(keptResourcesOf(synthesize('production', configuration).json.stateful)).toEqual(before);
    }
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
