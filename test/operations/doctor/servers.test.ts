import { DescribeReplicationGroupsCommand, DescribeCacheClustersCommand } from '@aws-sdk/client-elasticache';
import { resolveStage } from '../../../lib/config';
import type { StageConfiguration } from '../../../lib/config';
import type { OperationsContext } from '../../../lib/operations/context';
import { checkDatabase } from '../../../lib/operations/doctor/database';
import type { Finding } from '../../../lib/operations/doctor/finding';
import { checkRedis } from '../../../lib/operations/doctor/redis';
import shop from '../shop/holdfast.config';

const configuration = resolveStage(shop, 'test');

/** A context of the stage `shop test` in an account that answers as `rds` and `elastiCache` say. */
function contextOf(aws: { rds?: object; elastiCache?: (command: object) => object }): OperationsContext {
  const published = (concept: string) => Promise.resolve(concept === 'cache' ? undefined : `shop-test-${concept}`);
  return {
    configuration: () => Promise.resolve(configuration),
    deployed: () => Promise.resolve({ published }),
    aws: () =>
      Promise.resolve({
        rds: { send: () => Promise.resolve({ DBInstances: [aws.rds] }) },
        elastiCache: { send: (command: object) => Promise.resolve(aws.elastiCache?.(command)) },
      }),
  } as unknown as OperationsContext;
}

function find(findings: readonly Finding[], check: string): Finding | undefined {
  return findings.find((one) => one.check === check);
}

describe('doctor on a queue that may throw keys away', () => {
  const eviction = async (CacheParameterGroupName?: string) => {
    const context = contextOf({
      elastiCache: (command) => {
        if (command instanceof DescribeReplicationGroupsCommand) {
          return { ReplicationGroups: [{ ReplicationGroupId: 'shop-test-queue', MemberClusters: ['node-1'] }] };
        }
        return command instanceof DescribeCacheClustersCommand
          ? {
              CacheClusters:
                CacheParameterGroupName === undefined ? [] : [{ CacheParameterGroup: { CacheParameterGroupName } }],
            }
          : { Parameters: [{ ParameterName: 'maxmemory-policy', ParameterValue: 'volatile-random' }] };
      },
    });
    return find(await checkRedis(context), 'queue, eviction');
  };

  it('changes the stack’s own parameter group', async () => {
    const { state, fix } = (await eviction('shop-test-queue-parameters'))!;
    expect(state).toBe('failed');
    expect(fix).toContain('modify-cache-parameter-group --cache-parameter-group-name shop-test-queue-parameters ');
  });

  it.each(['default.valkey8', undefined])(
    'does not change %s, which AWS refuses, but puts the stack’s in its place',
    async (group) => {
      const { state, fix } = (await eviction(group))!;
      expect(state).toBe('failed');
      expect(fix).not.toMatch(/modify-cache-parameter-group|NAME/);
      expect(fix).toContain('list-stack-resources --stack-name shop-test-stateful ');
      expect(fix).toContain(
        "modify-replication-group --replication-group-id shop-test-queue --cache-parameter-group-name <the stack's>",
      );
    },
  );
});

describe('doctor on a database', () => {
  const { engineVersion, instanceClass } = configuration.database as Exclude<
    StageConfiguration['database'],
    { existing: unknown }
  >;
  const version = async (EngineVersion: string, DBInstanceClass: string) =>
    find(
      await checkDatabase(contextOf({ rds: { DBInstanceIdentifier: 'shop-test', EngineVersion, DBInstanceClass } })),
      'database, version',
    );

  it('of another class sets that back, and says nothing of its version', async () => {
    const { state, fix } = (await version(engineVersion, 'db.r8g.large'))!;
    expect(state).toBe('warning');
    expect(fix).toContain(`--db-instance-class db.${instanceClass}`);
    expect(fix).not.toContain('never goes back');
  });

  it('of another version does not touch its class', async () => {
    const { state, fix } = (await version('99.1', `db.${instanceClass}`))!;
    expect(state).toBe('warning');
    expect(fix).not.toContain('--db-instance-class');
    expect(fix).toContain('never goes back');
  });

  it('as configured is well', async () => {
    expect(await version(engineVersion, `db.${instanceClass}`)).toMatchObject({ state: 'ok' });
  });
});
