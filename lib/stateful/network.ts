import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { StageConfiguration } from '../config';

/** Most zones that a configuration may ask for; address space is kept for all of them. */
export const MOST_ZONES = 3;

export interface Network {
  readonly vpc: ec2.IVpc;
  /** Where database and Redis stand. */
  readonly dataSubnets: ec2.SubnetSelection;
}

export function createNetwork(scope: Construct, { network }: StageConfiguration): Network {
  if ('existing' in network) {
    return {
      vpc: ec2.Vpc.fromVpcAttributes(scope, 'Vpc', network.existing),
      dataSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    };
  }
  const prefix = Number(network.cidr.split('/')[1]);
  const vpc = new ec2.Vpc(scope, 'Vpc', {
    ipAddresses: ec2.IpAddresses.cidr(network.cidr),
    maxAzs: network.availabilityZones,
    reservedAzs: MOST_ZONES - network.availabilityZones,
    natGateways: network.natGateways,
    restrictDefaultSecurityGroup: false,
    gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
    subnetConfiguration: [
      { name: 'Public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: prefix + 4 },
      {
        name: 'Private',
        subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS,
        cidrMask: prefix + 3,
        reserved: network.natGateways === 0,
      },
      { name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: prefix + 6 },
    ],
  });
  return { vpc: vpc as ec2.IVpc, dataSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } };
}
