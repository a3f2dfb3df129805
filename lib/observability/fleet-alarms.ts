import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { ServiceAlarmsProps } from './service-alarms';
import type { StageAlarms } from './stage-alarms';

/**
 * CapacityProviderReservation is 100 when the instances are just enough for the tasks; above it Amazon ECS asks for
 * more. An instance needs about three minutes to join, so after 15 the fleet cannot grow.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
 */
const ENOUGH_PERCENT = 100;

export function addFleetAlarms(
  alarms: StageAlarms,
  { configuration, cluster, capacityProvider }: ServiceAlarmsProps,
): void {
  if (configuration.alarms.set === 'essential') return;
  const { max } = configuration.fleet;
  alarms.add({
    what: 'fleet-full',
    metric: capacityProviderReservation(cluster.clusterName, capacityProvider.capacityProviderName),
    comparison: 'more than',
    threshold: ENOUGH_PERCENT,
    periods: 3,
    noData: 'missing',
    meaning: `Containers have waited for 15 minutes for room on the fleet: it is at its maximum of ${max} ${max === 1 ? 'instance' : 'instances'}, or Amazon EC2 has none to give.`,
    firstStep:
      "see which: the autoscaling group's activity history in the EC2 console names the reason. Raise fleet.max or fleet.instanceType, or lower scaling.max of what takes the room.",
  });
}

/** Percent of the instances that run which the tasks need; above 100 tasks wait. */
export function capacityProviderReservation(clusterName: string, capacityProviderName: string): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: 'AWS/ECS/ManagedScaling',
    metricName: 'CapacityProviderReservation',
    dimensionsMap: { ClusterName: clusterName, CapacityProviderName: capacityProviderName },
    statistic: 'Minimum',
    period: Duration.minutes(5),
    label: 'Needed of the running instances (%)',
  });
}
