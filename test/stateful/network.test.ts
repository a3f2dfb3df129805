import { Match } from 'aws-cdk-lib/assertions';
import type { StageOverrides } from '../../lib/config';
import { existing, propertiesOf, synthesize } from './stateful-fixture';

/** Address ranges of the subnets of a kind, by their logical ids. */
function rangesOf(overrides: StageOverrides, kind: 'Public' | 'Private' | 'Data'): Record<string, string> {
  const { template } = synthesize('production', overrides);
  return Object.fromEntries(
    Object.entries(template.findResources('AWS::EC2::Subnet'))
      .filter(([id]) => id.includes(`Vpc${kind}Subnet`))
      .map(([id, subnet]) => [id, (subnet as { Properties: { CidrBlock: string } }).Properties.CidrBlock]),
  );
}

const withGateways = (natGateways: number, availabilityZones = 2) => ({ network: { natGateways, availabilityZones } });

test.each([
  { natGateways: 0, zones: 2, gateways: 0, subnets: { Public: 2, Private: 0, Data: 2 } },
  { natGateways: 1, zones: 2, gateways: 1, subnets: { Public: 2, Private: 2, Data: 2 } },
  { natGateways: 2, zones: 2, gateways: 2, subnets: { Public: 2, Private: 2, Data: 2 } },
  { natGateways: 3, zones: 3, gateways: 3, subnets: { Public: 3, Private: 3, Data: 3 } },
  { natGateways: 3, zones: 2, gateways: 2, subnets: { Public: 2, Private: 2, Data: 2 } },
])('$natGateways NAT gateways over $zones zones', ({ natGateways, zones, gateways, subnets }) => {
  // GIVEN
  const overrides = withGateways(natGateways, zones);
  // WHEN
  const { template } = synthesize('production', overrides);
  // THEN
  template.resourceCountIs('AWS::EC2::NatGateway', gateways);
  for (const [kind, count] of Object.entries(subnets)) {
    expect(Object.keys(rangesOf(overrides, kind as keyof typeof subnets))).toHaveLength(count);
  }
});

test('instances get public addresses only where they need them to reach the internet', () => {
  const publicly = (natGateways: number) =>
    propertiesOf(synthesize('production', withGateways(natGateways)).template, 'AWS::EC2::Subnet').filter(
      ({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch === true,
    );
  expect(publicly(0)).toHaveLength(2);
  expect(publicly(1)).toHaveLength(0);
});

test('database and Redis stand in subnets without a way to the internet', () => {
  const { template } = synthesize('production');
  const routes = JSON.stringify(template.findResources('AWS::EC2::Route'));
  expect(routes).not.toContain('VpcDataSubnet');
  for (const type of ['AWS::RDS::DBSubnetGroup', 'AWS::ElastiCache::SubnetGroup']) {
    for (const { SubnetIds } of propertiesOf(template, type)) {
      expect(JSON.stringify(SubnetIds)).toMatch(/VpcDataSubnet1.*VpcDataSubnet2/);
    }
  }
});

test('a gateway or a third zone comes later without moving a subnet', () => {
  const before = withGateways(0, 2);
  for (const after of [withGateways(1, 2), withGateways(0, 3), withGateways(3, 3)]) {
    expect(rangesOf(after, 'Data')).toMatchObject(rangesOf(before, 'Data'));
    expect(rangesOf(after, 'Public')).toMatchObject(rangesOf(before, 'Public'));
  }
});

test('the smallest and the largest range hold three zones of everything', () => {
  for (const cidr of ['10.0.0.0/22', '10.0.0.0/16']) {
    const { template } = synthesize('production', { network: { cidr, availabilityZones: 3, natGateways: 3 } });
    template.resourceCountIs('AWS::EC2::Subnet', 9);
  }
});

test('zones are those of the region at the deploy', () => {
  synthesize('production').template.hasResourceProperties('AWS::EC2::Subnet', {
    AvailabilityZone: { 'Fn::Select': [1, { 'Fn::GetAZs': '' }] },
  });
});

describe('zones that the configuration names', () => {
  const zoneNames = ['eu-central-1c', 'eu-central-1a'];
  const named = { network: { zoneNames } };
  const zonesById = (overrides: StageOverrides) =>
    Object.fromEntries(
      Object.entries(synthesize('production', overrides).template.findResources('AWS::EC2::Subnet')).map(
        ([id, subnet]) => [id, (subnet as { Properties: { AvailabilityZone: unknown } }).Properties.AvailabilityZone],
      ),
    );

  test('are those of the subnets, in their order, and nobody asks the region for others', () => {
    const zones = zonesById(named);
    expect(Object.keys(zones)).toHaveLength(6);
    for (const [id, zone] of Object.entries(zones)) {
      expect([id, zone]).toEqual([id, zoneNames[/Subnet1Subnet/.test(id) ? 0 : 1]]);
    }
    expect(JSON.stringify(synthesize('production', named).template.toJSON())).not.toContain('Fn::GetAZs');
  });

  test('change neither logical ids nor address ranges', () => {
    expect(Object.keys(zonesById(named))).toEqual(Object.keys(zonesById({})));
    for (const kind of ['Public', 'Private', 'Data'] as const)
      expect(rangesOf(named, kind)).toEqual(rangesOf({}, kind));
    const ids = (overrides: StageOverrides) =>
      Object.keys(synthesize('production', overrides).template.toJSON().Resources as object);
    expect(ids(named)).toEqual(ids({}));
  });
});

test('S3 is reached past the NAT gateway', () => {
  synthesize('dev').template.hasResourceProperties('AWS::EC2::VPCEndpoint', { VpcEndpointType: 'Gateway' });
});

test('flow logs keep refused connections for 14 days, where asked for', () => {
  const { template } = synthesize('production', { network: { flowLogs: true } });
  template.hasResourceProperties('AWS::EC2::FlowLog', { TrafficType: 'REJECT', LogGroupName: Match.anyValue() });
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 });
  synthesize('production').template.resourceCountIs('AWS::EC2::FlowLog', 0);
});

test('an existing VPC is used as it is', () => {
  const { template } = synthesize('production', { network: existing.network });
  for (const type of ['AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::NatGateway', 'AWS::EC2::VPCEndpoint']) {
    template.resourceCountIs(type, 0);
  }
  template.hasResourceProperties('AWS::RDS::DBSubnetGroup', {
    SubnetIds: ['subnet-0123456789abcdef2', 'subnet-0123456789abcdef3'],
  });
});
