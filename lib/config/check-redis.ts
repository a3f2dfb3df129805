import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { together } from './warnings';
import type { StageFindings, StageWarning } from './warnings';

/** Sizes of a line of families. Source: ElastiCache guide, "Supported node types"; older families are not for new groups. */
const SMALL_SIZES: readonly string[] = ['micro', 'small', 'medium'];
const LARGE_SIZES: readonly string[] = ['large', 'xlarge', '2xlarge', '4xlarge'];
const INTEL_SIZES: readonly string[] = [...LARGE_SIZES, '12xlarge', '24xlarge'];
/** Of m8g, r8g and c8gn no list was at hand: they are taken to end where the generation before does. */
const GRAVITON_SIZES: readonly string[] = [...LARGE_SIZES, '8xlarge', '12xlarge', '16xlarge'];
const NODE_FAMILIES: Readonly<Record<string, readonly string[]>> = {
  t3: SMALL_SIZES,
  t4g: SMALL_SIZES,
  m5: INTEL_SIZES,
  m6g: GRAVITON_SIZES,
  m7g: GRAVITON_SIZES,
  m8g: GRAVITON_SIZES,
  r5: INTEL_SIZES,
  r6g: GRAVITON_SIZES,
  r7g: GRAVITON_SIZES,
  r8g: GRAVITON_SIZES,
  c7gn: GRAVITON_SIZES,
  c8gn: GRAVITON_SIZES,
};
/** Source: ElastiCache guide, "Durability", limitations (2026-11). */
export const DURABLE_FAMILIES: readonly string[] = ['m6g', 'm7g', 'm8g', 'r6g', 'r7g', 'r8g', 'c7gn', 'c8gn'];
const DURABLE_SINCE = 9;

type Redis = StageConfiguration['redis'];
type NewRedis = Exclude<Redis, { readonly existing: unknown }>;

/** Rules between the values of queue and cache. */
export function checkRedis(configuration: StageConfiguration, locate: Locate): StageFindings {
  const { redis } = configuration;
  if ('existing' in redis) return existingWarnings(redis.existing, locate);
  return together(
    { mistakes: nodeMistakes(redis, locate) },
    {
      mistakes:
        configuration.taskEngine === 'holdfast'
          ? holdfastMistakes(redis, locate)
          : [...durabilityMistakes(redis, locate), ...clusterMistakes(redis, locate)],
    },
    { mistakes: celeryMistakes(configuration, redis, locate) },
    { warnings: sharedWarnings(configuration, redis, locate) },
  );
}

function existingWarnings({ tls }: { readonly tls: boolean }, locate: Locate): StageFindings {
  const warnings: StageWarning[] = tls
    ? []
    : [
        {
          id: 'holdfast:redis-plain-tcp',
          text: `${locate('redis', 'existing', 'tls')} is false: the token and all ids go over the network in the clear; set it true where the server can.`,
        },
      ];
  return { mistakes: [], warnings };
}

function nodeMistakes({ queue, cache }: NewRedis, locate: Locate): string[] {
  const nodes = [
    { at: ['redis', 'queue', 'nodeType'], nodeType: queue.nodeType },
    ...(cache === 'shared' ? [] : [{ at: ['redis', 'cache', 'nodeType'], nodeType: cache.nodeType }]),
  ];
  return nodes.flatMap(({ at, nodeType }) => {
    const [, family = '', size = ''] = nodeType.split('.');
    const sizes = Object.hasOwn(NODE_FAMILIES, family) ? NODE_FAMILIES[family] : undefined;
    if (sizes?.includes(size) === true) return [];
    const allowed =
      sizes === undefined
        ? `cache. with one of the families ${Object.keys(NODE_FAMILIES).join(', ')} and a size`
        : `cache.${family}. with one of the sizes ${sizes.join(', ')}`;
    return [`${locate(...at)} is "${nodeType}"; allowed is ${allowed}: take one of them.`];
  });
}

/** The engine has a client for one server, not for a cluster. */
function holdfastMistakes({ queue }: NewRedis, locate: Locate): string[] {
  const { durability, clusterMode } = queue;
  const at = (key: string) => locate('redis', 'queue', key);
  const why = "with taskEngine 'holdfast', whose connection does not follow a cluster's redirections yet";
  return [
    ...(clusterMode
      ? [`${at('clusterMode')} is true ${why}; allowed are clusterMode false or taskEngine 'custom': set it false.`]
      : []),
    ...(durability === 'async' || durability === 'sync'
      ? [
          `${at('durability')} is "${durability}", which needs cluster mode, ${why}; allowed are 'default' and 'disabled', or taskEngine 'custom': set it 'default', because the ledger in PostgreSQL keeps the tasks.`,
        ]
      : []),
  ];
}

/** The same for both kinds: each needs the log over several zones. */
function durabilityMistakes({ queue }: NewRedis, locate: Locate): string[] {
  const { durability, engineVersion, clusterMode, replicas, nodeType } = queue;
  if (durability === 'default' || durability === 'disabled') return [];
  const at = (key: string) => locate('redis', 'queue', key);
  const [, family = ''] = nodeType.split('.');
  const mistakes: string[] = [];
  const refuse = (key: string, value: string, allowed: string) =>
    mistakes.push(`${at(key)} is ${value} with durability '${durability}'; allowed is ${allowed}: change it.`);
  if (Number(engineVersion.split('.')[0]) < DURABLE_SINCE)
    refuse('engineVersion', `"${engineVersion}"`, "at least '9.0'");
  if (!clusterMode) refuse('clusterMode', 'false', 'true');
  if (replicas < 1 && !clusterMode) refuse('replicas', String(replicas), 'at least 1');
  if (!DURABLE_FAMILIES.includes(family)) {
    refuse('nodeType', `"${nodeType}"`, `one of the families ${DURABLE_FAMILIES.join(', ')}`);
  }
  return mistakes;
}

/**
 * Cluster mode fails over always, and each later update of a group that does and has no replica is refused.
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1275
 */
function clusterMistakes({ queue, cache }: NewRedis, locate: Locate): string[] {
  if (!queue.clusterMode) return [];
  const at = locate('redis', 'queue', 'clusterMode');
  return [
    ...(queue.hashTaggedKeys
      ? []
      : [
          `${at} is true without hashTaggedKeys; allowed is cluster mode where all keys of a command have the same {…}, or it fails with CROSSSLOT: set hashTaggedKeys true once your engine does (Celery does with global_keyprefix '{celery}:').`,
        ]),
    ...(queue.replicas === 0
      ? [
          `${locate('redis', 'queue', 'replicas')} is 0 with clusterMode true; allowed is at least 1, or ElastiCache refuses each later change of the queue: raise it.`,
        ]
      : []),
    ...(cache === 'shared'
      ? [
          `${at} is true with cache 'shared'; allowed is a node of its own for the cache, whose keys have no {…}: give redis.cache a nodeType.`,
        ]
      : []),
  ];
}

/** With Celery the queue itself is the truth: what Redis loses is lost. */
function celeryMistakes(
  { taskEngine, like }: StageConfiguration,
  { queue, cache }: NewRedis,
  locate: Locate,
): string[] {
  if (taskEngine !== 'celery' || like !== 'production') return [];
  return [
    ...(queue.replicas === 0
      ? [
          `${locate('redis', 'queue', 'replicas')} is 0 with taskEngine 'celery'; allowed is at least 1 in a stage like production, because Celery keeps tasks in Redis alone: raise it.`,
        ]
      : []),
    ...(cache === 'shared'
      ? [
          `${locate('redis', 'cache')} is "shared" with taskEngine 'celery'; allowed is a node of its own in a stage like production, because a full cache would drop tasks: give it a nodeType.`,
        ]
      : []),
  ];
}

function sharedWarnings(
  { like, taskEngine }: StageConfiguration,
  { queue, cache }: NewRedis,
  locate: Locate,
): StageWarning[] {
  const keepsQueue = like === 'production' || queue.replicas > 0;
  if (cache !== 'shared' || !keepsQueue || (taskEngine === 'celery' && like === 'production')) return [];
  const why = like === 'production' ? 'in a stage like production' : `with ${queue.replicas} replicas of the queue`;
  return [
    {
      id: 'holdfast:shared-cache',
      text: `${locate('redis', 'cache')} is "shared" ${why}: a full cache slows the queue down; give it a nodeType.`,
    },
  ];
}
