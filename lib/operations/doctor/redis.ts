import { DescribeCacheClustersCommand, DescribeCacheParametersCommand } from '@aws-sdk/client-elasticache';
import type { ReplicationGroup } from '@aws-sdk/client-elasticache';
import { stackName } from '../../config';
import type { StageConfiguration } from '../../config';
import { isServing, redisOf } from '../aws/backing-servers';
import type { AwsClients } from '../aws/clients';
import type { OperationsContext } from '../context';
import { expected, failed, ok, setAgain, warned } from './finding';
import type { Finding } from './finding';

type Redis = Exclude<StageConfiguration['redis'], { existing: unknown }>;

/** Whether queue and cache are what the configuration says. */
export async function checkRedis(context: OperationsContext): Promise<Finding[]> {
  const configuration = await context.configuration();
  const { redis } = configuration;
  if ('existing' in redis) {
    return [ok('queue', 'a Redis of your own: not looked at; its maxmemory-policy must be noeviction')];
  }
  const stack = stackName(configuration, 'stateful');
  const aws = await context.aws();
  const [queue, cache] = [await redisOf(context, 'queue'), await redisOf(context, 'cache')];
  return [
    ...(queue === undefined
      ? [failed('queue', 'the stage has published none', 'Deploy the stateful stack.')]
      : [
          ...(await checkGroup(aws, queue, 'queue', redis.cache === 'shared' ? 'volatile-lru' : 'noeviction', stack)),
          ...checkQueue(queue, redis),
        ]),
    ...(cache === undefined ? [] : await checkGroup(aws, cache, 'cache', 'allkeys-lru', stack)),
  ];
}

async function checkGroup(
  aws: AwsClients,
  group: ReplicationGroup,
  name: string,
  policy: string,
  stack: string,
): Promise<Finding[]> {
  const { policy: actual, applied, parameterGroup } = await evictionPolicy(aws, group);
  return [
    expected(
      `${name}, state`,
      group.Status ?? 'unknown',
      isServing(group.Status),
      'Wait, if it changes; else see its events in the ElastiCache console.',
      'warning',
    ),
    expected(
      `${name}, eviction`,
      `maxmemory-policy is ${actual}${actual === policy ? '' : `; it must be ${policy}`}`,
      actual === policy,
      setPolicy(group, parameterGroup, policy, stack),
    ),
    ...(applied === 'in-sync'
      ? []
      : [
          warned(
            `${name}, parameters`,
            `they are ${applied}`,
            'Reboot the nodes in the ElastiCache console, one by one.',
          ),
        ]),
    expected(
      `${name}, TLS and token`,
      `TLS ${onOff(group.TransitEncryptionEnabled)}, token ${onOff(group.AuthTokenEnabled)}, encrypted at rest ${onOff(group.AtRestEncryptionEnabled)}`,
      [group.TransitEncryptionEnabled, group.AuthTokenEnabled, group.AtRestEncryptionEnabled].every(Boolean),
      'It cannot be added later: put another stage beside this one, or replace the group (docs/deploy.md).',
    ),
    ...(group.PendingModifiedValues?.AuthTokenStatus === undefined
      ? []
      : [
          warned(
            `${name}, rotation`,
            'a rotation of its token has not ended: two tokens are valid',
            `Run npx holdfast secrets rotate ${name}, which takes it up.`,
          ),
        ]),
  ];
}

function checkQueue(queue: ReplicationGroup, { queue: wanted }: Redis): Finding[] {
  const nodes = queue.MemberClusters?.length ?? 0;
  const shards = Math.max(1, queue.NodeGroups?.length ?? 1);
  const wantedNodes = shards * (1 + wanted.replicas);
  const failover = queue.AutomaticFailover === 'enabled';
  const multiAz = queue.MultiAZ === 'enabled';
  const days = queue.SnapshotRetentionLimit ?? 0;
  const modify = `aws elasticache modify-replication-group --replication-group-id ${queue.ReplicationGroupId ?? ''} --apply-immediately`;
  return [
    expected(
      'queue, nodes',
      `${nodes} of type ${queue.CacheNodeType ?? 'unknown'}`,
      nodes === wantedNodes && queue.CacheNodeType === wanted.nodeType,
      `The configuration says ${wantedNodes} of ${wanted.nodeType}: see "Replicas of the queue" in docs/deploy.md.`,
    ),
    wanted.replicas === 0
      ? ok('queue, failover', 'none, as configured: the ledger has every task while a node is replaced')
      : expected(
          'queue, failover',
          `automatic failover ${onOff(failover)}, Multi-AZ ${onOff(multiAz)}`,
          failover && multiAz,
          setAgain(`${modify} --automatic-failover-enabled --multi-az-enabled`),
        ),
    expected(
      'queue, snapshots',
      `kept for ${days} days`,
      days >= wanted.snapshotDays,
      setAgain(`${modify} --snapshot-retention-limit ${wanted.snapshotDays}`),
    ),
  ];
}

/** AWS refuses to change its own groups, whose names begin with `default.`: the stack's group takes their place. */
function setPolicy(
  { ReplicationGroupId = '' }: ReplicationGroup,
  parameterGroup: string | undefined,
  policy: string,
  stack: string,
): string {
  if (parameterGroup !== undefined && !parameterGroup.startsWith('default.')) {
    return setAgain(
      `aws elasticache modify-cache-parameter-group --cache-parameter-group-name ${parameterGroup} --parameter-name-values ParameterName=maxmemory-policy,ParameterValue=${policy}`,
    );
  }
  const groups = "StackResourceSummaries[?ResourceType=='AWS::ElastiCache::ParameterGroup'].PhysicalResourceId";
  const used = parameterGroup === undefined ? 'AWS tells no parameter group' : `${parameterGroup} cannot be changed`;
  return `${used}: the stack's has to be used. Find it by aws cloudformation list-stack-resources --stack-name ${stack} --query "${groups}", then: aws elasticache modify-replication-group --replication-group-id ${ReplicationGroupId} --cache-parameter-group-name <the stack's> --apply-immediately.`;
}

/** What the first node runs with; all nodes of a group share their parameter group. */
async function evictionPolicy(
  aws: AwsClients,
  group: ReplicationGroup,
): Promise<{ readonly policy: string; readonly applied: string; readonly parameterGroup: string | undefined }> {
  const [node] = group.MemberClusters ?? [];
  const { CacheClusters } = await aws.elastiCache.send(new DescribeCacheClustersCommand({ CacheClusterId: node }));
  const used = CacheClusters?.[0]?.CacheParameterGroup;
  const parameterGroup = used?.CacheParameterGroupName;
  const applied = used?.ParameterApplyStatus ?? 'in-sync';
  if (parameterGroup === undefined) return { policy: 'unknown', applied, parameterGroup };
  let marker: string | undefined;
  do {
    const answer = await aws.elastiCache.send(
      new DescribeCacheParametersCommand({
        CacheParameterGroupName: parameterGroup,
        ...(marker === undefined ? {} : { Marker: marker }),
      }),
    );
    const found = answer.Parameters?.find(({ ParameterName }) => ParameterName === 'maxmemory-policy');
    if (found !== undefined) {
      return { policy: found.ParameterValue ?? 'not set', applied, parameterGroup };
    }
    marker = answer.Marker;
  } while (marker !== undefined && marker !== '');
  return { policy: 'not set', applied, parameterGroup };
}

function onOff(value: boolean | undefined): string {
  return value === true ? 'on' : 'off';
}
