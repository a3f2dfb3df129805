import type { StageOverrides } from '../../lib/config';
import { propertiesOf, synthesize } from './stateful-fixture';

type Properties = Record<string, unknown>;

function groupsOf(stage: 'dev' | 'production', redis: StageOverrides['redis'] = {}) {
  const { template, stack } = synthesize(stage, { redis });
  const of = (description: string): Properties => {
    const groups = propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup');
    return groups.find(({ ReplicationGroupDescription }) => ReplicationGroupDescription === description) ?? {};
  };
  const policies = propertiesOf(template, 'AWS::ElastiCache::ParameterGroup').map(
    ({ Properties }) => (Properties as Record<string, string>)['maxmemory-policy'],
  );
  return { of, policies, stack, template };
}

test('production keeps the queue from eviction, and the cache from the queue', () => {
  const { stack, policies } = groupsOf('production');
  expect(policies.sort()).toEqual(['allkeys-lru', 'noeviction']);
  expect(stack.cache).not.toBe(stack.queue);
});

test('production fails the queue over to another zone by itself, and keeps its snapshots for 3 days', () => {
  expect(groupsOf('production').of('Queue of library production')).toMatchObject({
    NumCacheClusters: 2,
    AutomaticFailoverEnabled: true,
    MultiAZEnabled: true,
    SnapshotRetentionLimit: 3,
    SnapshotWindow: '00:00-01:00',
  });
});

test('a queue without replicas has no failover', () => {
  expect(groupsOf('production', { queue: { replicas: 0 } }).of('Queue of library production')).toMatchObject({
    NumCacheClusters: 1,
    AutomaticFailoverEnabled: false,
    MultiAZEnabled: false,
  });
});

test('dev shares one node, which forgets only what expires', () => {
  const { of, stack, policies } = groupsOf('dev');
  expect(policies).toEqual(['volatile-lru']);
  expect(stack.cache).toBe(stack.queue);
  expect(of('Queue and cache of library dev')).toMatchObject({ NumCacheClusters: 1, SnapshotRetentionLimit: 1 });
});

test('a queue that takes no snapshots has no window for them', () => {
  const queue = groupsOf('dev', { queue: { snapshotDays: 0 } }).of('Queue and cache of library dev');
  expect(queue).toMatchObject({ SnapshotRetentionLimit: 0 });
  expect(queue).not.toHaveProperty('SnapshotWindow');
});

test('all are encrypted in transit and at rest and ask for a token', () => {
  const { template } = groupsOf('production');
  for (const group of propertiesOf(template, 'AWS::ElastiCache::ReplicationGroup')) {
    expect(group).toMatchObject({
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      AtRestEncryptionEnabled: true,
    });
    expect(JSON.stringify(group.AuthToken)).toContain('resolve:secretsmanager');
  }
});

test('a durable queue has a log over several zones before it answers', () => {
  const queue = {
    nodeType: 'cache.m7g.large',
    engineVersion: '9.0',
    replicas: 1,
    durability: 'sync',
    clusterMode: true,
    hashTaggedKeys: true,
  } as const;
  const { of, template } = groupsOf('production', { queue });
  expect(of('Queue of library production')).toMatchObject({
    Durability: 'sync',
    EngineVersion: '9.0',
    NumNodeGroups: 1,
    ReplicasPerNodeGroup: 1,
  });
  template.hasResourceProperties('AWS::ElastiCache::ParameterGroup', {
    CacheParameterGroupFamily: 'valkey9',
    Properties: { 'cluster-enabled': 'yes', 'maxmemory-policy': 'noeviction' },
  });
});

test('what the user wants otherwise is what is made', () => {
  const redis = {
    queue: { nodeType: 'cache.r7g.large', engineVersion: '7.2', replicas: 2 },
    cache: { nodeType: 'cache.t4g.small', engineVersion: '8.1' },
  } as const;
  const { of } = groupsOf('production', redis);
  expect(of('Queue of library production')).toMatchObject({
    CacheNodeType: 'cache.r7g.large',
    EngineVersion: '7.2',
    NumCacheClusters: 3,
  });
  expect(of('Cache of library production')).toMatchObject({
    CacheNodeType: 'cache.t4g.small',
    EngineVersion: '8.1',
    NumCacheClusters: 1,
  });
});
