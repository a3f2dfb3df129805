import { Annotations, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';

/** Most zones that a configuration may ask for. */
const MOST_ZONES = 3;

/**
 * The VPC: public subnets for the load balancer, private ones with NAT for instances, isolated ones for data. Without
 * NAT gateways instances stand in the public subnets.
 *
 * The address plan leaves room for every subnet that a configuration can ask for, whether it exists or not: from a range
 * of /16, a zone gets /20 public, /19 private, /22 data. So a gateway or a third zone can come later without moving the
 * subnets in which the database stands, which would replace it.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  /** Where database and Redis stand: no way to the internet and none from it. */
  readonly dataSubnets: ec2.SubnetSelection;

  constructor(scope: Construct, id: string, { network }: StageConfiguration) {
    super(scope, id);
    if ('existing' in network) {
      this.vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', network.existing);
      this.dataSubnets = { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
      Annotations.of(this.vpc).acknowledgeWarning(
        '@aws-cdk/aws-ec2:noSubnetRouteTableId',
        'Routes belong to the owner of the network; nothing here reads or adds one.',
      );
      return;
    }
    const prefix = Number(network.cidr.split('/')[1]);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(network.cidr),
      maxAzs: network.availabilityZones,
      reservedAzs: MOST_ZONES - network.availabilityZones,
      natGateways: Math.min(network.natGateways, network.availabilityZones),
      // Image layers and uploads go to S3 past the NAT gateway, free of charge.
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
      // Nothing here uses the VPC's default security group, and it lets nobody in but its own members. To empty it, CDK
      // would add a Lambda function with its role to every deployment.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        {
          name: 'Public',
          subnetType: ec2.SubnetType.PUBLIC,
          cidrMask: prefix + 4,
          mapPublicIpOnLaunch: network.natGateways === 0,
        },
        {
          name: 'Private',
          subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS,
          cidrMask: prefix + 3,
          reserved: network.natGateways === 0,
        },
        { name: 'Data', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: prefix + 6 },
      ],
    });
    // Without exactOptionalPropertyTypes, which aws-cdk-lib does not know, a Vpc is an IVpc.
    this.vpc = vpc as ec2.IVpc;
    this.dataSubnets = { subnetType: ec2.SubnetType.PRIVATE_ISOLATED };
    if (network.zoneNames !== undefined) {
      Validations.of(vpc).acknowledge({
        id: 'CloudFormation-Validate::W3010',
        reason: 'The configuration names these zones (network.zoneNames), of the one region of its stage.',
      });
    }
    if (network.flowLogs) this.keepFlowLogs(vpc);
    else {
      Validations.of(vpc).acknowledge({
        id: 'AwsSolutions-VPC7',
        reason:
          'Off by configuration (network.flowLogs), for cost: security groups admit only each other, and nobody here reads flow logs day by day. One switch turns them on when a connection has to be explained.',
      });
    }
  }

  private keepFlowLogs(vpc: ec2.Vpc): void {
    const logGroup = new logs.LogGroup(this, 'FlowLogGroup', {
      retention: logs.RetentionDays.TWO_WEEKS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('Refused', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup),
      trafficType: ec2.FlowLogTrafficType.REJECT,
      maxAggregationInterval: ec2.FlowLogMaxAggregationInterval.TEN_MINUTES,
    });
  }
}
