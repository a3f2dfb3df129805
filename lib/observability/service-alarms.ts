import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { tellFailedDeployments } from './failed-deployments';
import { addFleetAlarms } from './fleet-alarms';
import { StageAlarms } from './stage-alarms';
import { addTaskAlarms } from './task-alarms';
import { addWebAlarms } from './web-alarms';

/** What the alarms and the dashboard see of the stateless stack. */
export interface MonitoredServices {
  readonly cluster: Pick<ecs.ICluster, 'clusterName'>;
  readonly capacityProvider: { readonly capacityProviderName: string };
  /** Of the Spot instances. @default - the fleet has none */
  readonly spotCapacityProvider?: { readonly capacityProviderName: string } | undefined;
  readonly web: {
    readonly service: ecs.Ec2Service;
    readonly loadBalancer: elbv2.ApplicationLoadBalancer;
    readonly targetGroup: elbv2.ApplicationTargetGroup;
  };
  readonly workers: ReadonlyMap<string, { readonly service: ecs.Ec2Service }>;
  readonly scheduler?: { readonly service: ecs.Ec2Service } | undefined;
}

export interface ServiceAlarmsProps extends MonitoredServices {
  readonly configuration: StageConfiguration;
  readonly topic: sns.ITopic;
}

/** The alarms of what serves and works: tasks, web, fleet and deployments. Belongs to the stateless stack. */
export class ServiceAlarms extends Construct {
  readonly alarms: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: ServiceAlarmsProps) {
    super(scope, id);
    const { configuration, topic } = props;
    const alarms = new StageAlarms(this, configuration, topic);
    addTaskAlarms(alarms, props);
    addWebAlarms(alarms, props);
    addFleetAlarms(alarms, props);
    tellFailedDeployments(this, props);
    this.alarms = alarms.alarms;
  }
}
