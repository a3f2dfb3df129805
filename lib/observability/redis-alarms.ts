import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { instanceType } from '../config';
import type { StageConfiguration } from '../config';
import type { StageAlarms } from './stage-alarms';

/** The metrics of an ElastiCache replication group, as RedisReplicationGroup has them. */
export interface MonitoredRedis {
  /** The CacheClusterId of each node. */
  readonly nodeIds: readonly string[];
  /** Over all nodes, because a failover moves the primary. */
  metric(metricName: string, props: cloudwatch.MetricOptions & { across: 'MAX' | 'SUM' }): cloudwatch.IMetric;
  metricOfNode(nodeId: string, metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric;
}

const MINUTE = Duration.minutes(1);

/** A quarter free: the time to act before `noeviction` refuses writes. */
const MEMORY_PERCENT = 75;
/** Where the cache shares the node, it fills with cached entries and stays full: that alone is no trouble. */
const SHARED_MEMORY_PERCENT = 90;
/** Keys that may give way in a full shared node. With fewer, what never gives way has taken the cache's room too. */
const KEYS_THAT_GIVE_WAY = 100;
/** What AWS advises for the one core that runs commands ("Which metrics should I monitor?", ElastiCache guide). */
const CORE_PERCENT = 90;
/** Replicas are milliseconds behind; ten seconds are what a failover could lose. */
const LAG_SECONDS = 10;
/**
 * Connections that one container opens, at most: the task engine holds four, Celery's worker with its pool up to ten,
 * the web process some for the cache.
 */
const CONNECTIONS_PER_CONTAINER = 20;
/** A rollout may run twice the containers (maximumPercent 200). */
const ROLLOUT_OVERLAP = 2;
/** Keys a minute that give way in a cache that is too small for what is read; a few are how LRU works. */
const CACHE_EVICTIONS_PER_MINUTE = 1_000;

export function addQueueAlarms(alarms: StageAlarms, configuration: StageConfiguration, queue: MonitoredRedis): void {
  const { redis } = configuration;
  if ('existing' in redis) return;
  const shared = redis.cache === 'shared';
  const lost =
    configuration.taskEngine === 'holdfast'
      ? 'Tasks are not lost: workers take them straight from the database.'
      : 'No further task is accepted.';
  const memory = queue.metric('DatabaseMemoryUsagePercentage', { across: 'MAX', statistic: 'Maximum', period: MINUTE });
  const memoryPercent = shared ? SHARED_MEMORY_PERCENT : MEMORY_PERCENT;
  const giveWay = shared ? ` while fewer than ${KEYS_THAT_GIVE_WAY} keys expire and could give way` : '';
  alarms.add({
    what: 'queue-memory',
    metric: shared ? memoryThatStaysTaken(queue, memory) : memory,
    comparison: 'more than',
    threshold: memoryPercent,
    periods: 5,
    noData: 'missing',
    meaning: `The queue's Redis has used more than ${memoryPercent} % of its memory for 5 minutes${giveWay}; when it is full, it refuses writes. ${lost}`,
    firstStep:
      'see which queue grows in the dashboard or in GET /api/queues of the app. Start more workers, or raise redis.queue.nodeType, which changes without losing keys.',
  });
  // Without the ledger an evicted key is a lost task or a lost binding (https://github.com/celery/kombu/issues/1063).
  const evictionsMatter = !shared && (configuration.taskEngine !== 'holdfast' || configuration.alarms.set === 'all');
  if (evictionsMatter) {
    alarms.add({
      what: 'queue-evictions',
      metric: queue.metric('Evictions', { across: 'SUM', statistic: 'Sum', period: MINUTE }),
      comparison: 'more than',
      threshold: 0,
      periods: 1,
      noData: 'notBreaching',
      meaning: `The queue's Redis threw at least one key away, which its policy noeviction forbids: somebody changed its parameters. ${configuration.taskEngine === 'holdfast' ? 'Tasks are not lost, they come again from the database.' : 'Tasks may be lost.'}`,
      firstStep:
        'compare maxmemory-policy of the parameter group with what is configured, and set it back in the ElastiCache console: a deploy compares templates and may leave it.',
    });
  }
  if (configuration.alarms.set === 'all') addEarlyQueueAlarms(alarms, configuration, queue, redis.queue.nodeType);
}

/**
 * The memory in use, in percent, while too few keys may give way under volatile-lru, else 0: neither a node that cached
 * entries fill nor one that evicts them is in trouble, but one that is full of keys that never expire refuses writes.
 * Replicas hold the same keys, so one node tells how many of them expire (CurrVolatileItems).
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.Redis.html
 */
function memoryThatStaysTaken(queue: MonitoredRedis, memory: cloudwatch.IMetric): cloudwatch.IMetric {
  const [first] = queue.nodeIds;
  if (first === undefined) return memory;
  const expiring = queue.metricOfNode(first, 'CurrVolatileItems', { statistic: 'Maximum', period: MINUTE });
  return new cloudwatch.MathExpression({
    expression: `IF(expiring < ${KEYS_THAT_GIVE_WAY}, memory, 0)`,
    usingMetrics: { expiring, memory },
    label: 'Memory that nothing can give way in (%)',
    period: MINUTE,
  });
}

function addEarlyQueueAlarms(
  alarms: StageAlarms,
  configuration: StageConfiguration,
  queue: MonitoredRedis,
  nodeType: string,
): void {
  const cpu = cpuMetric(nodeType);
  alarms.add({
    what: 'queue-cpu',
    metric: queue.metric(cpu.name, { across: 'MAX', statistic: 'Average', period: MINUTE }),
    comparison: 'more than',
    threshold: cpu.percent,
    periods: 10,
    noData: 'missing',
    meaning: `The queue's Redis has used more than ${cpu.percent} % of ${cpu.of} for 10 minutes; it runs commands on one core, which is nearly full, and tasks are handed out late.`,
    firstStep: 'look for what asks so much (GET /api/queues of the app), then raise redis.queue.nodeType.',
  });
  const connections = containersAtMost(configuration) * ROLLOUT_OVERLAP * CONNECTIONS_PER_CONTAINER;
  alarms.add({
    what: 'queue-connections',
    metric: queue.metric('CurrConnections', { across: 'MAX', statistic: 'Maximum', period: MINUTE }),
    comparison: 'more than',
    threshold: connections,
    periods: 5,
    noData: 'missing',
    meaning: `The queue's Redis has held more than ${connections} connections for 5 minutes, more than all containers should open: something opens connections and does not close them. A node takes 65,000.`,
    firstStep:
      'see in the log groups of the services which process reconnects, and stop its task; Amazon ECS starts another.',
  });
  if (queue.nodeIds.length > 1) {
    alarms.add({
      what: 'queue-replication-lag',
      metric: queue.metric('ReplicationLag', { across: 'MAX', statistic: 'Maximum', period: MINUTE }),
      comparison: 'more than',
      threshold: LAG_SECONDS,
      periods: 5,
      noData: 'missing',
      meaning: `The queue's replica has been more than ${LAG_SECONDS} s behind for 5 minutes; a failover now would lose what it has not got. ${configuration.taskEngine === 'holdfast' ? 'Tasks would come again from the database.' : 'Tasks of that time would be lost.'}`,
      firstStep:
        'look at NetworkBandwidthOutAllowanceExceeded and CPU of the nodes in the ElastiCache console; a larger redis.queue.nodeType has more of both.',
    });
  }
}

/** A cache that gives way all the time is too small; everything else about a cache makes pages slower, not wrong. */
export function addCacheAlarms(
  alarms: StageAlarms,
  { alarms: { set } }: StageConfiguration,
  cache: MonitoredRedis,
): void {
  if (set === 'essential') return;
  alarms.add({
    what: 'cache-evictions',
    metric: cache.metric('Evictions', { across: 'SUM', statistic: 'Sum', period: MINUTE }),
    comparison: 'more than',
    threshold: CACHE_EVICTIONS_PER_MINUTE,
    periods: 15,
    noData: 'notBreaching',
    meaning: `The cache has thrown away more than ${CACHE_EVICTIONS_PER_MINUTE} keys a minute for 15 minutes: it is too small for what is read, and pages are slower than they could be.`,
    firstStep: 'raise redis.cache.nodeType, or keep less in the cache.',
  });
}

/**
 * EngineCPUUtilization shows the core that runs commands. On nodes with one or two vCPUs the host's own work (TLS,
 * snapshots, monitoring) takes its share of the same cores, so CPUUtilization of the host is watched there, at 90 %
 * divided by the vCPUs, because commands use only one of them.
 * https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.WhichShouldIMonitor.html
 */
function cpuMetric(nodeType: string): { name: string; percent: number; of: string } {
  const vcpus = instanceType(nodeType.replace(/^cache\./, ''))?.vcpus;
  return vcpus !== undefined && vcpus <= 2
    ? { name: 'CPUUtilization', percent: CORE_PERCENT / vcpus, of: `its ${vcpus} vCPUs` }
    : { name: 'EngineCPUUtilization', percent: CORE_PERCENT, of: 'the core that runs commands' };
}

function containersAtMost({ web, workers, scheduler }: StageConfiguration): number {
  const inWorkers = Object.values(workers).reduce((sum, { scaling }) => sum + scaling.max, 0);
  return web.scaling.max + inWorkers + (scheduler === undefined ? 0 : 1);
}
