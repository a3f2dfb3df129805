import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { ServiceAlarmsProps } from './service-alarms';
import type { StageAlarms } from './stage-alarms';

/**
 * CapacityProviderReservation is 100 when the instances are just enough for the tasks; above it Amazon ECS asks for
 * more. An instance needs about three minutes to join, so after 15 the fleet cannot grow.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html
 */
const ENOUGH_PERCENT = 100;
/** Of a container's memory; at 100 % Linux ends it, and its tasks go to others. */
const MEMORY_PERCENT = 90;

export function addFleetAlarms(
  alarms: StageAlarms,
  { configuration, cluster, capacityProvider, spotCapacityProvider, web, workers, scheduler }: ServiceAlarmsProps,
): void {
  if (configuration.alarms.set === 'essential') return;
  addMemory(alarms, 'web', web.service);
  for (const [kind, { service }] of workers) addMemory(alarms, `worker-${kind}`, service);
  if (scheduler !== undefined) addMemory(alarms, 'scheduler', scheduler.service);
  const { max, spot } = configuration.fleet;
  const reservation = (provider: { readonly capacityProviderName: string }): cloudwatch.Metric =>
    capacityProviderReservation(cluster.clusterName, provider.capacityProviderName);
  addFull(alarms, {
    what: 'fleet-full',
    metric: reservation(capacityProvider),
    fleet: 'the fleet',
    max,
    remedy: 'Raise fleet.max or fleet.instanceType',
  });
  if (spot === undefined || spotCapacityProvider === undefined) return;
  addFull(alarms, {
    what: 'fleet-spot-full',
    metric: reservation(spotCapacityProvider),
    fleet: 'the Spot instances of the fleet',
    max: spot.max,
    remedy: 'Name more fleet.spot.instanceTypes, raise fleet.spot.max, set spot false for a worker kind',
  });
}

interface FullFleet {
  readonly what: string;
  readonly metric: cloudwatch.Metric;
  readonly fleet: string;
  readonly max: number;
  readonly remedy: string;
}

function addFull(alarms: StageAlarms, { what, metric, fleet, max, remedy }: FullFleet): void {
  alarms.add({
    what,
    metric,
    comparison: 'more than',
    threshold: ENOUGH_PERCENT,
    periods: 3,
    noData: 'missing',
    meaning: `Containers have waited for 15 minutes for room on ${fleet}: the maximum of ${max} ${max === 1 ? 'instance' : 'instances'} is reached, or Amazon EC2 has none to give.`,
    firstStep: `see which: the autoscaling group's activity history in the EC2 console names the reason. ${remedy}, or lower scaling.max of what takes the room.`,
  });
}

function addMemory(alarms: StageAlarms, process: string, service: ecs.Ec2Service): void {
  alarms.add({
    what: `${process}-memory`,
    metric: service.metricMemoryUtilization({ period: Duration.minutes(5), statistic: 'Maximum' }),
    comparison: 'more than',
    threshold: MEMORY_PERCENT,
    periods: 3,
    noData: 'missing',
    meaning: `A container of ${process} has used more than ${MEMORY_PERCENT} % of its memory for 15 minutes; at 100 % it is ended and started anew.`,
    firstStep: `see on the dashboard whether it grows all the time, which is a leak, or with the load; for the load raise memoryMiB of ${process}.`,
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
