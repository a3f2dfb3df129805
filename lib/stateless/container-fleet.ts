import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct, Dependable } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import type { StageConfiguration } from '../config';
import type { BackingServices } from '../stateful/backing-services';
import { InstanceGroup } from './instance-group';
import { ScaleInRelease } from './scale-in-release';

export interface ContainerFleetProps {
  readonly configuration: StageConfiguration;
  readonly services: BackingServices;
}

/**
 * The ECS cluster and the EC2 instances that its containers run on. Instances come and go by the capacity provider and
 * drain before they end.
 */
export class ContainerFleet extends Construct {
  readonly cluster: ecs.Cluster;
  readonly onDemand: InstanceGroup;
  /** For worker kinds that ask for it. @default - none */
  readonly spot?: InstanceGroup;
  /** What a service has to wait for: without it the cluster does not know its capacity providers yet. */
  readonly ready: IDependable;

  constructor(scope: Construct, id: string, { configuration, services }: ContainerFleetProps) {
    super(scope, id);
    const { fleet } = configuration;
    this.cluster = new ecs.Cluster(this, 'Cluster', {
      clusterName: `${configuration.name}-${configuration.stage}`,
      vpc: services.vpc,
      containerInsightsV2: fleet.containerInsights ? ecs.ContainerInsights.ENABLED : ecs.ContainerInsights.DISABLED,
      // CloudTrail says who opened a session; keeping what was typed would widen the role of every task.
      executeCommandConfiguration: { logging: ecs.ExecuteCommandLogging.NONE },
    });
    const securityGroup = new ec2.SecurityGroup(this, 'Instances', {
      vpc: services.vpc,
      description: `${configuration.name} ${configuration.stage}: instances and, in network mode bridge, their containers`,
    });
    // In network mode bridge a service is reached through its instances: rules for the one are rules for the others.
    if (fleet.networkMode === 'bridge') this.cluster.connections.addSecurityGroup(securityGroup);
    const common = { configuration, services, cluster: this.cluster, securityGroup };
    this.onDemand = new InstanceGroup(this, 'OnDemand', {
      ...common,
      instanceTypes: [fleet.instanceType],
      min: fleet.min,
      max: fleet.max,
    });
    if (fleet.spot !== undefined) {
      const { instanceTypes, max } = fleet.spot;
      this.spot = new InstanceGroup(this, 'Spot', { ...common, instanceTypes, min: 0, max, spot: true });
    }
    const groups = [this.onDemand, ...(this.spot === undefined ? [] : [this.spot])];
    new ScaleInRelease(this, 'ScaleInRelease', { configuration, groups });
    this.ready = associationOf(this.cluster);
  }

  get autoScalingGroup() {
    return this.onDemand.autoScalingGroup;
  }

  get capacityProvider(): ecs.AsgCapacityProvider {
    return this.onDemand.capacityProvider;
  }
}

/**
 * The association of cluster and capacity providers. CDK makes it only while it synthesises, so this is found when
 * dependencies are resolved. aws-cdk #18179: without it services are deleted after their capacity, and the stack hangs.
 */
function associationOf(cluster: ecs.Cluster): IDependable {
  const association: IDependable = {};
  Dependable.implement(association, {
    get dependencyRoots(): IConstruct[] {
      return cluster.node.children.filter((child) => child instanceof ecs.CfnClusterCapacityProviderAssociations);
    },
  });
  return association;
}
