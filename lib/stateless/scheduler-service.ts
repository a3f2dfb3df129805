import type * as ecs from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { SchedulerConfiguration } from '../config';
import { grantMail, grantObjects } from './app-permissions';
import { addCeleryMetrics } from './celery-metrics';
import { schedulerEnvironment } from './container-environment';
import type { EnvironmentProps } from './container-environment';
import type { ContainerFleet } from './container-fleet';
import type { ContainerImages } from './container-images';
import { ContainerService } from './container-service';
import { engineHealthCheck } from './engine-health-check';

export interface SchedulerServiceProps extends EnvironmentProps {
  readonly scheduler: SchedulerConfiguration;
  readonly fleet: ContainerFleet;
  readonly images: ContainerImages;
}

/**
 * The one scheduler. With the durable task engine a deploy starts the new one before the old one ends: ticks are unique,
 * so two at once do no harm and no tick waits. Two Celery beats would send every task twice, and of another engine
 * nothing is known: there the old one ends first.
 */
export class SchedulerService extends Construct {
  readonly service: ecs.Ec2Service;

  constructor(scope: Construct, id: string, props: SchedulerServiceProps) {
    super(scope, id);
    const { configuration, drainBudget, fleet, images, scheduler, services } = props;
    const durable = configuration.taskEngine === 'holdfast';
    const healthCheck = engineHealthCheck(configuration);
    const { service, task } = new ContainerService(this, 'Container', {
      configuration,
      services,
      fleet,
      images,
      name: 'scheduler',
      process: scheduler,
      environment: schedulerEnvironment(props),
      stopTimeoutSeconds: drainBudget.scheduler.stopTimeoutSeconds,
      desiredCount: 1,
      healthyPercent: durable ? { min: 100, max: 200 } : { min: 0, max: 100 },
      ...(healthCheck === undefined ? {} : { healthCheck }),
    });
    this.service = service;
    if (!durable) {
      grantMail(task, configuration);
      grantObjects(task, services);
    }
    if (configuration.taskEngine === 'celery') {
      const image = images.of(scheduler.image ?? configuration.image);
      addCeleryMetrics(task.taskDefinition, { configuration, image, queue: services.queue, logGroup: task.logGroup });
    }
  }
}
