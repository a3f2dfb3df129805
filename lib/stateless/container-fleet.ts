import { Validations } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct, Dependable } from 'constructs';
import type { IConstruct, IDependable } from 'constructs';
import { clusterName } from '../config';
import type { StageConfiguration } from '../config';
import type { BackingServices } from '../stateful/backing-services';
import { InstanceGroup } from './instance-group';
import { acknowledgeOpenEgress } from './nag';
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
      clusterName: clusterName(configuration),
      vpc: services.vpc,
      containerInsightsV2: fleet.containerInsights ? ecs.ContainerInsights.ENABLED : ecs.ContainerInsights.DISABLED,
      // CloudTrail says who opened a session; keeping what was typed would widen the role of every task.
      executeCommandConfiguration: { logging: ecs.ExecuteCommandLogging.NONE },
    });
    Validations.of(this.cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason: 'A choice of the configuration (fleet.containerInsights) that costs per container; no alarm needs it.',
    });
    const securityGroup = new ec2.SecurityGroup(this, 'Instances', {
      vpc: services.vpc,
      description: `${configuration.name} ${configuration.stage}: instances and, in network mode bridge, their containers`,
    });
    acknowledgeOpenEgress(securityGroup);
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

  get capacityProvider(): ecs.AsgCapacityProvider {
    return this.onDemand.capacityProvider;
  }
}

/**
 * The association of cluster and capacity providers. CDK makes it only while it synthesises, so it is found when
 * dependencies are resolved. Without it services are deleted after their capacity, and the stack hangs (aws-cdk #18179).
 */
class Association extends Dependable {
  constructor(private readonly cluster: ecs.Cluster) {
    super();
  }

  get dependencyRoots(): IConstruct[] {
    return this.cluster.node.children.filter((child) => child instanceof ecs.CfnClusterCapacityProviderAssociations);
  }
}

function associationOf(cluster: ecs.Cluster): IDependable {
  const association: IDependable = {};
  Dependable.implement(association, new Association(cluster));
  return association;
}
