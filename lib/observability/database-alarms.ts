import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { connectionBudget, instanceType } from '../config';
import type { StageConfiguration } from '../config';
import type { StageAlarms } from './stage-alarms';

/** The metrics of an RDS instance, as rds.IDatabaseInstance has them. */
export interface MonitoredDatabase {
  metricCPUUtilization(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  metricFreeStorageSpace(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  metricFreeableMemory(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
  metricDatabaseConnections(props?: cloudwatch.MetricOptions): cloudwatch.Metric;
}

const GIB = 1_024 ** 3;
const MIB = 1_024 ** 2;

/**
 * Storage autoscaling begins at 10 % free that lasted 5 minutes (RDS guide, "Managing capacity automatically with Amazon
 * RDS storage autoscaling"); as much of the configured size left after 10 minutes means that it did not help.
 */
const FREE_STORAGE_SHARE = 0.1;
/** What CloudWatch's list of recommended alarms gives for CPUUtilization of RDS, in percent. */
const CPU_PERCENT = 90;
/**
 * Of max_connections. The configuration allows processes to open 80 % (config/connection-budget), so 90 % are opened
 * only by something that was not planned.
 */
const CONNECTION_SHARE = 0.9;
/** Of the instance's memory. PostgreSQL and the page cache take most; below this the system begins to swap. */
const FREEABLE_MEMORY_SHARE = 0.05;

export function addDatabaseAlarms(
  alarms: StageAlarms,
  configuration: StageConfiguration,
  database: MonitoredDatabase,
): void {
  const { database: configured } = configuration;
  if ('existing' in configured) return;
  const period = Duration.minutes(5);
  alarms.add({
    what: 'database-storage',
    metric: database.metricFreeStorageSpace({ period, statistic: 'Minimum' }),
    comparison: 'less than',
    threshold: FREE_STORAGE_SHARE * configured.storageGiB * GIB,
    periods: 2,
    noData: 'missing',
    meaning: `The database has less than ${FREE_STORAGE_SHARE * configured.storageGiB} GiB of storage free and did not grow by itself; when it is full, it stops and no task is accepted.`,
    firstStep: `raise database.maxStorageGiB (now ${configured.maxStorageGiB}) and deploy the stateful stack. Storage grows at most once in six hours; until then look for what fills it: select pg_size_pretty(pg_total_relation_size(oid)), relname from pg_class order by pg_total_relation_size(oid) desc limit 10.`,
  });
  if (configuration.alarms.set === 'essential') return;
  alarms.add({
    what: 'database-cpu',
    metric: database.metricCPUUtilization({ period, statistic: 'Average' }),
    comparison: 'more than',
    threshold: CPU_PERCENT,
    periods: 3,
    noData: 'missing',
    meaning: `The database has used more than ${CPU_PERCENT} % of its CPU for 15 minutes; tasks and pages become slow.`,
    firstStep:
      'look at Database Insights in the RDS console for the statement with most load. If all are needed, choose a larger database.instanceClass.',
  });
  const { maxConnections } = connectionBudget(configuration);
  alarms.add({
    what: 'database-connections',
    metric: database.metricDatabaseConnections({ period: Duration.minutes(1), statistic: 'Maximum' }),
    comparison: 'more than',
    threshold: Math.floor(CONNECTION_SHARE * maxConnections),
    periods: 3,
    noData: 'missing',
    meaning: `More than ${Math.floor(CONNECTION_SHARE * maxConnections)} of the database's ${maxConnections} connections are open; when none is left, containers cannot start and requests fail.`,
    firstStep:
      'see who holds them: select usename, application_name, client_addr, state, count(*) from pg_stat_activity group by 1, 2, 3, 4. Close what does not belong, or raise database.instanceClass.',
  });
  const memoryMiB = instanceType(configured.instanceClass)?.memoryMiB;
  if (memoryMiB === undefined) return;
  const leastMiB = Math.round(FREEABLE_MEMORY_SHARE * memoryMiB);
  alarms.add({
    what: 'database-memory',
    metric: database.metricFreeableMemory({ period, statistic: 'Average' }),
    comparison: 'less than',
    threshold: leastMiB * MIB,
    periods: 3,
    noData: 'missing',
    meaning: `The database has had less than ${leastMiB} MiB of its ${memoryMiB} MiB memory free for 15 minutes; it begins to swap and may be restarted.`,
    firstStep:
      'look at SwapUsage and the number of connections in the RDS console. Lower the processes’ databaseConnections, or raise database.instanceClass.',
  });
}
