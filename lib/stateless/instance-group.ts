import { Duration, Tags, Validations } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import type { BackingServices } from '../stateful/backing-services';
import { instanceRole } from './instance-role';
import { configureInstance } from './instance-user-data';
import { architectureOf, machineImage } from './machine-image';

export interface InstanceGroupProps {
  readonly configuration: StageConfiguration;
  readonly services: BackingServices;
  readonly cluster: ecs.Cluster;
  readonly securityGroup: ec2.ISecurityGroup;
  /** The first decides the architecture; an on-demand group has one. */
  readonly instanceTypes: readonly string[];
  readonly min: number;
  readonly max: number;
  /** @default false */
  readonly spot?: boolean;
}

/** Seconds until a new instance runs containers: boot, agent, registration. Two to three minutes are usual. */
const WARMUP = Duration.seconds(180);

/**
 * EC2 instances of one market and the capacity provider that starts and ends them. Every way for an instance to go is
 * one that Amazon ECS drains: scale-in of empty instances by the provider, refresh by CloudFormation, rebalancing of
 * Spot. There is no maximum lifetime, because the group never replaces the protected instances that it would concern.
 */
export class InstanceGroup extends Construct {
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  readonly capacityProvider: ecs.AsgCapacityProvider;

  constructor(scope: Construct, id: string, props: InstanceGroupProps) {
    super(scope, id);
    const { cluster, min, max, services } = props;
    const launchTemplate = this.launchTemplate(props);
    this.autoScalingGroup = new autoscaling.AutoScalingGroup(this, 'Group', {
      vpc: services.vpc,
      vpcSubnets: services.instanceSubnets,
      minCapacity: min,
      maxCapacity: max,
      ...(props.spot === true
        ? { mixedInstancesPolicy: spotPolicy(launchTemplate, props.instanceTypes), capacityRebalance: true }
        : { launchTemplate }),
      // Managed termination protection needs it: the provider takes it off again when an instance is empty.
      newInstancesProtectedFromScaleIn: true,
      defaultInstanceWarmup: WARMUP,
      groupMetrics: [autoscaling.GroupMetrics.all()],
      updatePolicy: autoscaling.UpdatePolicy.instanceRefresh({
        strategy: autoscaling.InstanceRefreshStrategy.ROLLING,
        minHealthyPercentage: 100,
        maxHealthyPercentage: 200,
        instanceWarmup: WARMUP,
        // All instances are protected; waiting for that to end, the default, fails after an hour.
        scaleInProtectedInstances: autoscaling.ScaleInProtectedInstances.REFRESH,
        standbyInstances: autoscaling.StandbyInstances.TERMINATE,
        skipMatching: true,
      }),
    });
    this.capacityProvider = new ecs.AsgCapacityProvider(this, 'CapacityProvider', {
      autoScalingGroup: this.autoScalingGroup,
      enableManagedScaling: true,
      enableManagedTerminationProtection: true,
      enableManagedDraining: true,
      targetCapacityPercent: 100,
      minimumScalingStepSize: 1,
      maximumScalingStepSize: max,
      instanceWarmupPeriod: WARMUP.toSeconds(),
    });
    cluster.addAsgCapacityProvider(this.capacityProvider);
    Validations.of(this.autoScalingGroup).acknowledge({
      id: 'AwsSolutions-AS3',
      reason: 'Instances come and go as capacity needs them; the alarms tell when the fleet is at its maximum.',
    });
    if (props.spot === true) {
      Validations.of(this.autoScalingGroup).acknowledge({
        id: 'AwsSolutions-EC26',
        reason: 'The launch template encrypts the volume; the rule does not follow a mixed instances policy to it.',
      });
    }
  }

  private launchTemplate({ configuration, cluster, securityGroup, instanceTypes, spot }: InstanceGroupProps) {
    const { fleet } = configuration;
    const [first = fleet.instanceType] = instanceTypes;
    const name = `${configuration.name}-${configuration.stage}${spot === true ? '-spot' : ''}`;
    const launchTemplate = new ec2.LaunchTemplate(this, 'LaunchTemplate', {
      instanceType: new ec2.InstanceType(first),
      machineImage: machineImage(fleet.machineImageRelease, architectureOf(first)),
      userData: ec2.UserData.forLinux(),
      role: instanceRole(this, cluster, `Agents of the instances of ${name}`),
      securityGroup,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs(fleet.diskGiB, {
            encrypted: true,
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            deleteOnTermination: true,
          }),
        },
      ],
      requireImdsv2: true,
      // One hop reaches the instance, not a container behind its bridge: containers cannot take the instance's role.
      httpPutResponseHopLimit: 1,
      // A person who terminates by EC2 would bypass draining; by the group it drains. EC2 refuses it for Spot.
      ...(spot === true ? {} : { disableApiTermination: true }),
    });
    Tags.of(launchTemplate).add('Name', name);
    configureInstance(launchTemplate, fleet.networkMode);
    return launchTemplate;
  }
}

/** The market with most spare capacity among the cheap ones: fewer interruptions than the lowest price. */
function spotPolicy(
  launchTemplate: ec2.ILaunchTemplate,
  instanceTypes: readonly string[],
): autoscaling.MixedInstancesPolicy {
  return {
    launchTemplate,
    launchTemplateOverrides: instanceTypes.map((name) => ({ instanceType: new ec2.InstanceType(name) })),
    instancesDistribution: {
      onDemandBaseCapacity: 0,
      onDemandPercentageAboveBaseCapacity: 0,
      spotAllocationStrategy: autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
    },
  };
}
