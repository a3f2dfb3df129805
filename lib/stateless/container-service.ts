import { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { IConstruct } from 'constructs';
import type { Endpoint } from '../stateful/backing-services';
import type { ContainerFleet } from './container-fleet';
import { ContainerTask } from './container-task';
import type { ContainerTaskProps } from './container-task';
import type { InstanceGroup } from './instance-group';
import { acknowledgeWildcards } from './nag';

export interface ContainerServiceProps extends Omit<ContainerTaskProps, 'stopTimeout'> {
  readonly fleet: ContainerFleet;
  readonly stopTimeoutSeconds: number;
  /** How many containers run. @default - scaling decides, and a deploy leaves the number as it is */
  readonly desiredCount?: number;
  /** Percent of the desired number that keep running during a deploy, and that may run at most. @default 100 and 200 */
  readonly healthyPercent?: { readonly min: number; readonly max: number };
  /** Where the containers run. @default - the fleet's on-demand instances */
  readonly group?: InstanceGroup;
  /** Its change alone starts a deployment. @default - only changes of the service and its task definition do */
  readonly deploymentNonce?: string;
  /**
   * Moves containers to a zone with fewer of them. Only for processes that lose nothing by a move.
   * @default false
   */
  readonly rebalanceZones?: boolean;
  /** @default - the service has no load balancer */
  readonly healthCheckGracePeriod?: Duration;
}

/** An ECS service with its one task definition: what web, worker and scheduler have in common. */
export class ContainerService extends Construct {
  readonly task: ContainerTask;
  readonly service: ecs.Ec2Service;

  constructor(scope: Construct, id: string, props: ContainerServiceProps) {
    super(scope, id);
    const { configuration, fleet, services } = props;
    this.task = new ContainerTask(this, 'Task', { ...props, stopTimeout: Duration.seconds(props.stopTimeoutSeconds) });
    const { securityGroup } = this.task;
    const { min, max } = props.healthyPercent ?? { min: 100, max: 200 };
    const { capacityProvider } = props.group ?? fleet.onDemand;
    this.service = new ecs.Ec2Service(this, 'Service', {
      cluster: fleet.cluster as ecs.ICluster,
      serviceName: props.name,
      taskDefinition: this.task.taskDefinition,
      ...(props.desiredCount === undefined ? {} : { desiredCount: props.desiredCount }),
      minHealthyPercent: min,
      maxHealthyPercent: max,
      circuitBreaker: { enable: true, rollback: true },
      capacityProviderStrategies: [{ capacityProvider: capacityProvider.capacityProviderName, weight: 1 }],
      // A zone may fail, so they are spread; within a zone few full instances cost less than many half empty ones.
      placementStrategies: [
        ecs.PlacementStrategy.spreadAcross(ecs.BuiltInAttributes.AVAILABILITY_ZONE),
        ecs.PlacementStrategy.packedByMemory(),
      ],
      // Amazon ECS rebalances by default when nothing is said.
      availabilityZoneRebalancing:
        props.rebalanceZones === true
          ? ecs.AvailabilityZoneRebalancing.ENABLED
          : ecs.AvailabilityZoneRebalancing.DISABLED,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      enableECSManagedTags: true,
      enableExecuteCommand: configuration.fleet.ecsExec,
      ...(props.deploymentNonce === undefined
        ? {}
        : { forceNewDeployment: { enabled: true, nonce: props.deploymentNonce } }),
      ...(props.healthCheckGracePeriod === undefined ? {} : { healthCheckGracePeriod: props.healthCheckGracePeriod }),
      ...(securityGroup === undefined ? {} : { vpcSubnets: services.instanceSubnets, securityGroups: [securityGroup] }),
    });
    if (configuration.fleet.ecsExec) {
      const reason = 'The channels of ECS Exec (ssmmessages) know no resources; fleet.ecsExec turns them on.';
      acknowledgeWildcards(this.task.taskDefinition.taskRole, ['*'], reason);
    }
    this.service.node.addDependency(fleet.ready, ...this.task.roles);
    connect(this.service.connections, this.service, props.environment.endpoints);
  }
}

/** Opens the way from containers to the servers that they are told of, and makes what starts them wait for it. */
export function connect(client: ec2.Connections, starter: IConstruct, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) {
    client.allowToDefaultPort(endpoint);
    // The servers' security groups belong to another stack; the rules that this one adds hang below them.
    starter.node.addDependency(...endpoint.connections.securityGroups);
  }
}
