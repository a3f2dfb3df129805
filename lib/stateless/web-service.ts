import { Duration } from 'aws-cdk-lib';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { grantMail, grantObjects } from './app-permissions';
import { webEnvironment } from './container-environment';
import type { EnvironmentProps } from './container-environment';
import type { ContainerFleet } from './container-fleet';
import type { ContainerImages } from './container-images';
import { ContainerService } from './container-service';
import { LoadBalancer } from './load-balancer';

export interface WebServiceProps extends Omit<EnvironmentProps, 'publicUrl'> {
  readonly fleet: ContainerFleet;
  readonly images: ContainerImages;
}

/** The web process behind a load balancer. */
export class WebService extends Construct {
  readonly service: ecs.Ec2Service;
  readonly loadBalancer: elbv2.ApplicationLoadBalancer;
  readonly targetGroup: elbv2.ApplicationTargetGroup;
  /** Where people reach the app, without a slash at the end. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: WebServiceProps) {
    super(scope, id);
    const { configuration, drainBudget, fleet, images, services } = props;
    const { web } = configuration;
    const { loadBalancer, listener, url } = new LoadBalancer(this, 'Front', { configuration, vpc: services.vpc });
    this.loadBalancer = loadBalancer;
    this.url = url;
    const { service, task } = new ContainerService(this, 'Container', {
      configuration,
      services,
      fleet,
      images,
      name: 'web',
      process: web,
      environment: webEnvironment({ ...props, publicUrl: url }),
      stopTimeoutSeconds: drainBudget.web.stopTimeoutSeconds,
      port: web.port,
      // A container that has just started is not ended for a target that is not healthy yet.
      healthCheckGracePeriod: Duration.seconds(60),
      // Its requests end within the drain budget, so that moving a container costs nothing.
      rebalanceZones: true,
      ...(web.scaling.min === web.scaling.max ? { desiredCount: web.scaling.min } : {}),
    });
    this.service = service;
    this.targetGroup = this.addTarget(listener, props);
    grantObjects(task, services);
    if (configuration.taskEngine !== 'holdfast') grantMail(task, configuration);
    this.scale(props);
  }

  private addTarget(listener: elbv2.ApplicationListener, props: WebServiceProps): elbv2.ApplicationTargetGroup {
    const { configuration, drainBudget } = props;
    const awsvpc = configuration.fleet.networkMode === 'awsvpc';
    return listener.addTargets('Web', {
      protocol: elbv2.ApplicationProtocol.HTTP,
      // In network mode bridge each target brings its own port.
      port: awsvpc ? configuration.web.port : 80,
      targets: [this.service.loadBalancerTarget({ containerName: 'web', containerPort: configuration.web.port })],
      deregistrationDelay: Duration.seconds(drainBudget.web.deregistrationSeconds),
      // Uploads and pages differ in length: a busy container gets less. It excludes a slow start, which Node.js,
      // with little to warm up, does without.
      loadBalancingAlgorithmType: elbv2.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        path: configuration.web.healthPath,
        port: 'traffic-port',
        protocol: elbv2.Protocol.HTTP,
        healthyHttpCodes: '200',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
      },
    });
  }

  /**
   * Two target tracking policies on one number: the larger wish counts, and containers go only when both agree. So they
   * cannot work against each other, as a tracking policy and a step policy would.
   */
  private scale({ configuration }: WebServiceProps): void {
    const { min, max, cpuPercent, requestsPerMinute } = configuration.web.scaling;
    if (min === max) return;
    const scaling = this.service.autoScaleTaskCount({ minCapacity: min, maxCapacity: max });
    const cooldowns = { scaleOutCooldown: Duration.minutes(1), scaleInCooldown: Duration.minutes(5) };
    scaling.scaleOnRequestCount('Requests', {
      ...cooldowns,
      requestsPerTarget: requestsPerMinute,
      targetGroup: this.targetGroup,
    });
    scaling.scaleOnCpuUtilization('Cpu', { ...cooldowns, targetUtilizationPercent: cpuPercent });
  }
}
