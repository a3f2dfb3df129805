import { Stack } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { WorkerConfiguration, WorkerDrain } from '../config';
import { grantMail, grantObjects } from './app-permissions';
import { workerEnvironment } from './container-environment';
import type { EnvironmentProps } from './container-environment';
import type { ContainerFleet } from './container-fleet';
import type { ContainerImages } from './container-images';
import { ContainerService } from './container-service';
import { engineHealthCheck } from './engine-health-check';
import { acknowledgeWildcards } from './nag';
import { scaleWorker } from './worker-scaling';

export interface WorkerServiceProps extends EnvironmentProps {
  /** The worker's name in the configuration. */
  readonly kind: string;
  readonly worker: WorkerConfiguration;
  readonly drain: WorkerDrain;
  readonly fleet: ContainerFleet;
  readonly images: ContainerImages;
}

/** Containers that take tasks from the queues of one kind. */
export class WorkerService extends Construct {
  readonly service: ecs.Ec2Service;
  readonly kind: string;
  readonly configuration: WorkerConfiguration;

  constructor(scope: Construct, id: string, props: WorkerServiceProps) {
    super(scope, id);
    const { configuration, kind, worker, drain, fleet, images, services } = props;
    this.kind = kind;
    this.configuration = worker;
    const { min, max } = worker.scaling;
    const name = `worker-${kind}`;
    const healthCheck = engineHealthCheck(configuration);
    const { service, task } = new ContainerService(this, 'Container', {
      configuration,
      services,
      fleet,
      images,
      name,
      process: worker,
      environment: workerEnvironment(props, kind),
      stopTimeoutSeconds: drain.stopTimeoutSeconds,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(min === max ? { desiredCount: min } : {}),
      // Amazon ECS changes the capacity providers of a service only together with a new deployment.
      ...(fleet.spot === undefined ? {} : { deploymentNonce: worker.spot ? 'spot' : 'on-demand' }),
      ...(worker.spot ? { group: spotGroup(fleet), healthyPercent: SPOT_HEALTHY_PERCENT } : {}),
    });
    this.service = service;
    grantObjects(task, services);
    grantMail(task, configuration);
    if (configuration.taskEngine === 'holdfast' && worker.scaleInProtection) grantProtection(service, name);
    scaleWorker(this, { service, kind, configuration, worker });
  }
}

/**
 * At 100 percent Amazon ECS stops a task only when its replacement runs, for which an instance that goes in two minutes
 * has no time. Stopped at once, the worker has these minutes to finish or give back; meanwhile the ledger keeps the rest.
 * Source: "Amazon ECS capacity providers … EC2 Spot", ECS developer guide.
 */
const SPOT_HEALTHY_PERCENT = { min: 0, max: 200 };

function spotGroup({ spot }: ContainerFleet) {
  if (spot === undefined) throw new Error('a worker with spot: true needs fleet.spot');
  return spot;
}

/**
 * A busy worker asks not to be chosen when containers are taken away, and looks whether its service has a newer version.
 * By name, because the service itself waits for this policy.
 */
function grantProtection({ cluster, taskDefinition }: ecs.Ec2Service, serviceName: string): void {
  const arn = (resource: string, resourceName: string): string =>
    Stack.of(cluster).formatArn({ service: 'ecs', resource, resourceName: `${cluster.clusterName}/${resourceName}` });
  const tasks = arn('task', '*');
  taskDefinition.addToTaskRolePolicy(
    new iam.PolicyStatement({ actions: ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'], resources: [tasks] }),
  );
  taskDefinition.addToTaskRolePolicy(
    new iam.PolicyStatement({ actions: ['ecs:DescribeServices'], resources: [arn('service', serviceName)] }),
  );
  acknowledgeWildcards(
    taskDefinition.taskRole,
    [tasks],
    'Tasks get their ids when they start; they end at this cluster.',
  );
}
