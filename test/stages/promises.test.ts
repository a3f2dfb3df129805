import { Match } from 'aws-cdk-lib/assertions';
import reference from '../../holdfast.config';
import { drainBudget, resolveStage } from '../../lib/config';
import type { StopBudget } from '../../lib/config';
import { countAlarms } from '../../lib/observability';
import { STAGES, resourcesOf, synthesize } from './synthesize';
import type { SynthesizedStage } from './synthesize';

interface Container {
  readonly Name: string;
  readonly Environment: readonly { readonly Name: string; readonly Value: string }[];
  readonly StopTimeout: number;
}

function only(budget: StopBudget | undefined): StopBudget | undefined {
  if (budget === undefined) return undefined;
  const { drainSeconds, stopTimeoutSeconds } = budget;
  return { drainSeconds, stopTimeoutSeconds };
}

/*
 * What the README promises, stated as properties of both stages' templates. The tests of single constructs stand in
 * test/stateful, test/stateless and test/observability.
 */
describe.each(STAGES)('the promises of %s', (stage) => {
  let synthesized: SynthesizedStage;
  beforeAll(() => {
    synthesized = synthesize(stage);
  });
  const properties = (stack: 'stateful' | 'stateless', type: string) =>
    resourcesOf(synthesized.json[stack], type).map(([, { Properties }]) => Properties ?? {});

  test('queue and database stand outside the autoscaling group and are kept on delete', () => {
    const { stateful, stateless } = synthesized.json;
    expect(resourcesOf(stateful, 'AWS::AutoScaling::AutoScalingGroup')).toEqual([]);
    for (const type of ['AWS::RDS::DBInstance', 'AWS::ElastiCache::ReplicationGroup']) {
      expect(resourcesOf(stateless, type)).toEqual([]);
    }
    const database = resourcesOf(stateful, 'AWS::RDS::DBInstance');
    expect(database).toHaveLength(1);
    for (const [, resource] of database) {
      expect([resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual(['Snapshot', 'Snapshot']);
    }
    const queue = resourcesOf(stateful, 'AWS::ElastiCache::ReplicationGroup').find(([id]) => id.startsWith('Queue'));
    expect([queue?.[1].DeletionPolicy, queue?.[1].UpdateReplacePolicy]).toEqual(['Snapshot', 'Snapshot']);
    expect(Number(queue?.[1].Properties?.SnapshotRetentionLimit)).toBeGreaterThan(0);
  });

  test('Redis never evicts a queued id while Postgres does not know of it', () => {
    const policies = properties('stateful', 'AWS::ElastiCache::ParameterGroup').map(
      ({ Properties }) => (Properties as Record<string, string>)['maxmemory-policy'],
    );
    // One node for both in dev: queue keys carry no expiry, so volatile-lru takes cached entries only.
    expect(policies.sort()).toEqual(stage === 'dev' ? ['volatile-lru'] : ['allkeys-lru', 'noeviction']);
  });

  test('Redis is reached over TLS with a token from a secret', () => {
    const groups = properties('stateful', 'AWS::ElastiCache::ReplicationGroup');
    expect(groups.length).toBe(stage === 'dev' ? 1 : 2);
    for (const group of groups) {
      expect(group).toMatchObject({ TransitEncryptionEnabled: true, AtRestEncryptionEnabled: true });
      expect(JSON.stringify(group.AuthToken)).toContain('resolve:secretsmanager');
    }
  });

  test('nothing but the load balancer is reached from the internet', () => {
    const open = (['stateful', 'stateless'] as const).flatMap((stack) => [
      ...properties(stack, 'AWS::EC2::SecurityGroup').flatMap(({ GroupDescription, SecurityGroupIngress }) =>
        ((SecurityGroupIngress ?? []) as Record<string, unknown>[])
          .filter(({ CidrIp, CidrIpv6 }) => CidrIp !== undefined || CidrIpv6 !== undefined)
          .map(({ FromPort }) => ({ group: String(GroupDescription), port: FromPort })),
      ),
      ...properties(stack, 'AWS::EC2::SecurityGroupIngress')
        .filter(({ CidrIp, CidrIpv6 }) => CidrIp !== undefined || CidrIpv6 !== undefined)
        .map(({ FromPort }) => ({ group: 'rule', port: FromPort })),
    ]);
    expect(open.map(({ port }) => port)).toEqual([80]);
    expect(open[0]?.group).toMatch(/load balancer/i);
    for (const database of properties('stateful', 'AWS::RDS::DBInstance')) {
      expect(database.PubliclyAccessible).toBe(false);
    }
  });

  test('instances drain before they end and cannot be terminated past the group', () => {
    synthesized.stateless.hasResourceProperties('AWS::ECS::CapacityProvider', {
      AutoScalingGroupProvider: {
        ManagedDraining: 'ENABLED',
        ManagedTerminationProtection: 'ENABLED',
        ManagedScaling: Match.objectLike({ Status: 'ENABLED' }),
      },
    });
    synthesized.stateless.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      NewInstancesProtectedFromScaleIn: true,
      MaxInstanceLifetime: Match.absent(),
    });
    synthesized.stateless.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { DisableApiTermination: true },
    });
  });

  test('an instance roll drains, keeps every task running and never falls below full strength', () => {
    const [group] = resourcesOf(synthesized.json.stateless, 'AWS::AutoScaling::AutoScalingGroup');
    expect((group?.[1] as unknown as { UpdatePolicy: unknown }).UpdatePolicy).toMatchObject({
      AutoScalingInstanceRefresh: {
        Strategy: 'Rolling',
        Preferences: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200, ScaleInProtectedInstances: 'Refresh' },
      },
    });
  });

  test('services keep 100 % while they roll, and roll back by themselves', () => {
    const services = properties('stateless', 'AWS::ECS::Service');
    expect(services).toHaveLength(3);
    for (const { DeploymentConfiguration } of services) {
      expect(DeploymentConfiguration).toMatchObject({
        MinimumHealthyPercent: 100,
        MaximumPercent: 200,
        DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      });
    }
    const rolledBackByAlarm = services.filter(({ DeploymentConfiguration }) =>
      JSON.stringify(DeploymentConfiguration).includes('"Alarms":{'),
    );
    expect(rolledBackByAlarm.length).toBeGreaterThan(0);
  });

  test('stop time-outs follow the drain budget', () => {
    const { budget } = drainBudget(resolveStage(reference, stage));
    const stops = properties('stateless', 'AWS::ECS::TaskDefinition').flatMap(({ ContainerDefinitions }) =>
      (ContainerDefinitions as Container[]).map(({ Name, Environment, StopTimeout }) => {
        const drain = Environment.find((variable) => variable.Name === 'DRAIN_SECONDS')?.Value;
        return [Name, { drainSeconds: Number(drain), stopTimeoutSeconds: StopTimeout }] as const;
      }),
    );
    expect(Object.fromEntries(stops)).toMatchObject({
      web: only(budget.web),
      'worker-default': only(budget.workers.default),
      scheduler: only(budget.scheduler),
    });
    const [group] = properties('stateless', 'AWS::ElasticLoadBalancingV2::TargetGroup');
    expect(group?.TargetGroupAttributes).toContainEqual({
      Key: 'deregistration_delay.timeout_seconds',
      Value: String(budget.web.deregistrationSeconds),
    });
  });

  test('the scheduler runs once and does not scale', () => {
    const scheduler = resourcesOf(synthesized.json.stateless, 'AWS::ECS::Service').filter(([id]) =>
      /scheduler/i.test(id),
    );
    expect(scheduler.map(([, { Properties }]) => Properties?.DesiredCount)).toEqual([1]);
    const targets = JSON.stringify(properties('stateless', 'AWS::ApplicationAutoScaling::ScalableTarget'));
    expect(targets).not.toContain(scheduler[0]?.[0]);
  });

  test('the migration has ended well before any service of the new version starts', () => {
    const [migration] = Object.entries(synthesized.json.stateless.Resources).filter(
      ([, { Type, Properties }]) =>
        /^(Custom::|AWS::CloudFormation::CustomResource)/.test(Type) &&
        JSON.stringify(Properties).includes('TaskDefinition'),
    );
    expect(migration).toBeDefined();
    for (const [, { DependsOn }] of resourcesOf(synthesized.json.stateless, 'AWS::ECS::Service')) {
      expect(DependsOn).toContain(migration?.[0]);
    }
  });

  test('services wait for the capacity provider', () => {
    const [association] = resourcesOf(synthesized.json.stateless, 'AWS::ECS::ClusterCapacityProviderAssociations');
    for (const [, { DependsOn }] of resourcesOf(synthesized.json.stateless, 'AWS::ECS::Service')) {
      expect(DependsOn).toContain(association?.[0]);
    }
  });

  test('alarms tell people through the topic, and say what to do', () => {
    const topics = { stateful: /^\{"Ref":"AlarmTopic/, stateless: /^\{"Ref":"SsmParameterValue\w+alarmstopicarn/ };
    const told = (['stateful', 'stateless'] as const).flatMap((stack) =>
      properties(stack, 'AWS::CloudWatch::Alarm').map((alarm) => {
        const actions = (alarm.AlarmActions as unknown[]).map((action) => JSON.stringify(action));
        return { alarm, actions, told: actions.length === 1 && topics[stack].test(actions[0] ?? '') };
      }),
    );
    for (const { alarm } of told.filter((each) => each.told)) {
      expect(String(alarm.AlarmDescription)).toMatch(/^.{20,} First step: .{20,}/s);
      expect(alarm.OKActions).toEqual(alarm.AlarmActions);
    }
    expect(told.filter((each) => each.told)).toHaveLength(countAlarms(resolveStage(reference, stage)).telling.alarms);
    // The others wake workers.
    for (const { actions } of told.filter((each) => !each.told)) {
      expect(actions.join()).toMatch(/Scaling/);
    }
  });

  test('containers run as another user than root, with a file system that they cannot write to', () => {
    for (const { ContainerDefinitions } of properties('stateless', 'AWS::ECS::TaskDefinition')) {
      for (const container of ContainerDefinitions as Record<string, unknown>[]) {
        expect(container).toMatchObject({ ReadonlyRootFilesystem: true, User: '1000:1000' });
        expect(container.Privileged ?? false).toBe(false);
      }
    }
  });

  test('no role may do everything', () => {
    for (const stack of ['stateful', 'stateless'] as const) {
      for (const type of ['AWS::IAM::Policy', 'AWS::IAM::Role']) {
        const text = JSON.stringify(properties(stack, type));
        expect(text).not.toMatch(/"Action":"\*"|AdministratorAccess|PowerUserAccess/);
      }
    }
  });
});
