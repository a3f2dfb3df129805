import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as rds from 'aws-cdk-lib/aws-rds';
import { DefaultDashboardFactory, ElastiCacheClusterType, MonitoringFacade } from 'cdk-monitoring-constructs';
import type { CustomMetricGroup } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { capacityProviderReservation } from './fleet-alarms';
import { METRIC_PERIOD, TaskMetrics, metricsNamespace, writtenMetrics } from './metrics';
import type { MonitoredServices } from './service-alarms';
import { failedPerMinute } from './web-alarms';

export interface StageDashboardProps extends MonitoredServices {
  readonly configuration: StageConfiguration;
  /** @default - a database of the user's own, whose metrics are not known */
  readonly databaseInstanceId?: string | undefined;
  /** The CacheClusterId of each node. @default - a Redis of the user's own */
  readonly queueNodeIds?: readonly string[] | undefined;
  /** @default - the user's own */
  readonly cacheNodeIds?: readonly string[] | undefined;
}

/** What a person looks at first: the hours in which a fault of today began. */
const RANGE = Duration.hours(8);

/**
 * One dashboard of the stage, `<name>-<stage>`: tasks first, because they are the promise, then web, containers and
 * fleet, then the services of AWS. Asks nothing of Container Insights. To be made where configuration.dashboard is on;
 * it costs 3 USD per month beyond the account's first three.
 */
export class StageDashboard extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, props: StageDashboardProps) {
    super(scope, id);
    const { configuration } = props;
    this.dashboardName = `${configuration.name}-${configuration.stage}`;
    const facade = new MonitoringFacade(this, 'Monitoring', {
      metricFactoryDefaults: { namespace: metricsNamespace(configuration), period: METRIC_PERIOD },
      alarmFactoryDefaults: { alarmNamePrefix: this.dashboardName, actionsEnabled: false },
      dashboardFactory: new DefaultDashboardFactory(this, 'Dashboards', {
        dashboardNamePrefix: this.dashboardName,
        detailDashboardRange: RANGE,
      }),
    });
    const section = (humanReadableName: string, metricGroups: CustomMetricGroup[]): void => {
      if (metricGroups.length > 0) facade.monitorCustom({ humanReadableName, alarmFriendlyName: 'none', metricGroups });
    };
    section('Tasks', taskWidgets(configuration));
    section('Web', webWidgets(props));
    section('Containers and fleet', containerWidgets(props));
    addDatabase(this, facade, props.databaseInstanceId);
    addRedis(facade, 'Queue', props.queueNodeIds ?? []);
    if (!isShared(configuration)) addRedis(facade, 'Cache', props.cacheNodeIds ?? []);
  }
}

function taskWidgets(configuration: StageConfiguration): CustomMetricGroup[] {
  const written = writtenMetrics(configuration);
  if (written === 'none') return [];
  const kinds = Object.keys(configuration.workers);
  const metrics = new TaskMetrics(configuration);
  const ofKinds = (metric: (kind: string) => cloudwatch.Metric): cloudwatch.Metric[] =>
    kinds.map((kind) => metric(kind).with({ label: kind }));
  const { backlogTasks, oldestAgeSeconds } = configuration.alarms;
  const all = written === 'all';
  return [
    {
      title: 'Backlog (tasks)',
      metrics: ofKinds((kind) => metrics.backlog(kind)),
      horizontalAnnotations: [{ value: backlogTasks, label: 'Alarm' }],
    },
    ...(all
      ? [
          {
            title: 'Oldest task has waited (s)',
            metrics: ofKinds((kind) => metrics.oldestAgeSeconds(kind)),
            horizontalAnnotations: [{ value: oldestAgeSeconds, label: 'Alarm' }],
          },
        ]
      : []),
    { title: 'Workers that run', metrics: ofKinds((kind) => metrics.runningWorkers(kind)) },
    ...(all ? [{ title: 'Dead tasks', metrics: [metrics.deadTasks()] }] : []),
  ];
}

function webWidgets({ configuration, web }: StageDashboardProps): CustomMetricGroup[] {
  const target = web.targetGroup.metrics;
  const balancer = web.loadBalancer.metrics;
  const period = METRIC_PERIOD;
  const latency = (statistic: string) => target.targetResponseTime({ statistic, period, label: statistic });
  return [
    { title: 'Requests (per minute)', metrics: [balancer.requestCount({ period, label: 'Requests' })] },
    {
      title: 'Server errors (per minute)',
      metrics: [
        target.httpCodeTarget(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, { period, label: 'Containers' }),
        balancer.httpCodeElb(elbv2.HttpCodeElb.ELB_5XX_COUNT, { period, label: 'Load balancer' }),
      ],
      horizontalAnnotations: [{ value: failedPerMinute(configuration), label: 'Alarm' }],
    },
    {
      title: 'Time to first byte (s)',
      metrics: [latency('p50'), latency('p95'), latency('p99')],
      horizontalAnnotations: [{ value: configuration.alarms.latencySeconds, label: 'Alarm on p95' }],
    },
    {
      title: 'Web containers',
      metrics: [
        target.healthyHostCount({ period, statistic: 'Minimum', label: 'Healthy' }),
        target.unhealthyHostCount({ period, statistic: 'Maximum', label: 'Unhealthy' }),
      ],
    },
  ];
}

function containerWidgets(props: StageDashboardProps): CustomMetricGroup[] {
  const { cluster, capacityProvider, web, workers, scheduler } = props;
  const services = [
    { label: 'web', service: web.service },
    ...[...workers].map(([label, { service }]) => ({ label, service })),
    ...(scheduler === undefined ? [] : [{ label: 'scheduler', service: scheduler.service }]),
  ];
  const of = (metric: 'metricCpuUtilization' | 'metricMemoryUtilization'): cloudwatch.Metric[] =>
    services.map(({ label, service }) => service[metric]({ period: METRIC_PERIOD, label }));
  return [
    { title: 'CPU of what is reserved (%)', metrics: of('metricCpuUtilization') },
    // A container that needs more than 100 % is ended, so the line to watch is the top of the graph.
    {
      title: 'Memory of what is allowed (%)',
      metrics: of('metricMemoryUtilization'),
      graphWidgetAxis: { min: 0, max: 100 },
    },
    {
      title: 'Instances needed, of those that run (%)',
      metrics: [capacityProviderReservation(cluster.clusterName, capacityProvider.capacityProviderName)],
      horizontalAnnotations: [{ value: 100, label: 'Above: containers wait for room' }],
    },
  ];
}

function addDatabase(scope: Construct, facade: MonitoringFacade, instanceIdentifier: string | undefined): void {
  if (instanceIdentifier === undefined) return;
  const instance = rds.DatabaseInstance.fromDatabaseInstanceAttributes(scope, 'Database', {
    instanceIdentifier,
    // Only the identifier is a dimension of metrics.
    instanceEndpointAddress: 'unused',
    port: 5432,
    securityGroups: [],
  });
  facade.monitorRdsInstance({ instance, humanReadableName: 'Database', alarmFriendlyName: 'database' });
}

/** Whether one Redis serves queue and cache, so that its nodes are shown once. */
function isShared({ redis }: StageConfiguration): boolean {
  return !('existing' in redis) && redis.cache === 'shared';
}

function addRedis(facade: MonitoringFacade, name: string, clusterIds: readonly string[]): void {
  for (const [index, clusterId] of clusterIds.entries()) {
    facade.monitorElastiCacheCluster({
      clusterType: ElastiCacheClusterType.REDIS,
      clusterId,
      humanReadableName: clusterIds.length === 1 ? name : `${name}, node ${index + 1}`,
      alarmFriendlyName: `${name.toLowerCase()}-${index + 1}`,
    });
  }
}
