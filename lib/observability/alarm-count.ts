import type { StageConfiguration, WatchedCounts, WorkerConfiguration } from '../config';
import { countMetrics, writtenMetrics } from './metrics';

export interface AlarmCount {
  readonly alarms: number;
  /** What CloudWatch bills: an alarm on an expression costs as many alarms as it reads metrics. */
  readonly billed: number;
}

export interface AlarmCounts {
  /** Those that tell people. */
  readonly telling: AlarmCount;
  /** Those that only scale: the worker kinds', the web service's and the fleet's, made by AWS or by these stacks. */
  readonly scaling: AlarmCount;
}

/** Target tracking makes an alarm to scale out and one to scale in. */
const TRACKING_ALARMS = 2;
/** The web service tracks requests and CPU. */
const WEB_POLICIES = 2;

/**
 * How many alarms a stage has, for the estimate of its cost: 0.10 USD per month for each metric that an alarm reads.
 * https://aws.amazon.com/cloudwatch/pricing/
 */
export function countAlarms(configuration: StageConfiguration): AlarmCounts {
  return {
    telling: count([...taskAlarms(configuration), ...serviceAlarms(configuration), ...dataAlarms(configuration)]),
    scaling: count(scalingAlarms(configuration)),
  };
}

function count(alarms: Metrics): AlarmCount {
  return { alarms: alarms.length, billed: alarms.reduce((sum, metrics) => sum + metrics, 0) };
}

/** What the estimate of the cost counts for the stage. */
export function watchedCounts(configuration: StageConfiguration): Required<WatchedCounts> {
  const { telling, scaling } = countAlarms(configuration);
  return { alarms: telling.billed + scaling.billed, customMetrics: countMetrics(configuration) };
}

/** Each alarm as the number of metrics that it reads. */
type Metrics = number[];

function times(alarms: number, metrics = 1): Metrics {
  return Array.from({ length: alarms }, () => metrics);
}

function taskAlarms(configuration: StageConfiguration): Metrics {
  const written = writtenMetrics(configuration);
  if (written === 'none') return [];
  const all = configuration.alarms.set === 'all';
  const kinds = Object.values(configuration.workers);
  const ages = written === 'all' ? kinds.length : 0;
  const backlogs = all || written === 'celery' ? kinds.length : 0;
  const workers = all ? kinds.filter(({ scaling }) => scaling.min > 0).length : 0;
  const deadAndUnclaimable = written === 'all' ? 2 : 0;
  const silence = 1;
  return times(ages + backlogs + workers + deadAndUnclaimable + silence);
}

function serviceAlarms({ alarms: { set }, fleet, workers, scheduler }: StageConfiguration): Metrics {
  const web = 3;
  if (set === 'essential') return times(web);
  const latency = 1;
  const full = fleet.spot === undefined ? 1 : 2;
  const memory = 1 + Object.keys(workers).length + (scheduler === undefined ? 0 : 1);
  return times(web + latency + full + memory);
}

function dataAlarms({ alarms: { set }, database, redis, taskEngine }: StageConfiguration): Metrics {
  const all = set === 'all';
  const ofDatabase = 'existing' in database ? [] : times(all ? 4 : 1);
  if ('existing' in redis) return ofDatabase;
  const nodes = 1 + redis.queue.replicas;
  // Where the cache shares the node, the keys that may give way are read too, of one node.
  const memory = redis.cache === 'shared' ? nodes + 1 : nodes;
  const evictions = redis.cache !== 'shared' && (all || taskEngine !== 'holdfast') ? 1 : 0;
  const early = all ? 2 + (nodes > 1 ? 1 : 0) : 0;
  const ofCache = all && redis.cache !== 'shared' ? 1 : 0;
  return [...ofDatabase, ...times(1, memory), ...times(evictions + early, nodes), ...times(ofCache)];
}

function scalingAlarms(configuration: StageConfiguration): Metrics {
  const { fleet, web, workers } = configuration;
  return [
    ...(web.scaling.min === web.scaling.max ? [] : times(WEB_POLICIES * TRACKING_ALARMS)),
    // The managed scaling of each capacity provider tracks CapacityProviderReservation, whatever the group's limits.
    ...times((fleet.spot === undefined ? 1 : 2) * TRACKING_ALARMS),
    ...Object.values(workers).flatMap((worker) => workerAlarms(configuration, worker)),
  ];
}

/** As worker-scaling.ts makes them. */
function workerAlarms(configuration: StageConfiguration, { scaling }: WorkerConfiguration): Metrics {
  const { min, max, metric } = scaling;
  if (min === max) return [];
  const wake = min === 0 ? times(1, 2) : [];
  switch (writtenMetrics(configuration)) {
    case 'none':
      return times(min === 0 && metric !== undefined ? TRACKING_ALARMS + 1 : TRACKING_ALARMS);
    case 'celery':
      return [...times(TRACKING_ALARMS), ...wake];
    case 'all':
      return [...times(TRACKING_ALARMS, 2), ...times(1), ...wake];
  }
}
