import { Match, synthesize } from './synthesize';
import type { Resource } from './synthesize';

const SPOT = {
  fleet: { spot: { instanceTypes: ['t4g.medium', 'm6g.medium'], max: 3 } },
  workers: { default: { queues: [{ name: 'default' }], spot: true, onDrain: 'give-back' as const } },
};

/** The ids that a resource names, in its properties or as dependency. */
function namedBy(resource: Resource | undefined): string {
  return JSON.stringify([resource?.Properties, resource?.DependsOn]);
}

describe('an instance', () => {
  const { template, resources } = synthesize();
  const [launchTemplate] = Object.values(resources('AWS::EC2::LaunchTemplate'));
  const text = JSON.stringify(launchTemplate?.Properties);

  test('asks its metadata service with a token, and no container behind the bridge can', () => {
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: { MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 } },
    });
    expect(text).toContain('--insert DOCKER-USER 1 --destination 169.254.169.254/32 --jump DROP');
    expect(text).not.toContain('169.254.170.2');
  });

  test('has an encrypted gp3 volume', () => {
    template.hasResourceProperties('AWS::EC2::LaunchTemplate', {
      LaunchTemplateData: {
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeType: 'gp3', VolumeSize: 30 } }],
      },
    });
  });

  test('starts from the one release of the configuration, for its architecture', () => {
    const { template: other } = synthesize({ fleet: { instanceType: 'm7i.large', machineImageRelease: '20260727' } });
    const image = '/aws/service/ecs/optimized-ami/amazon-linux-2023';

    template.hasParameter('*', {
      Default: `${image}/arm64/al2023-ami-ecs-hvm-2023.0.20260901-kernel-6.1-arm64/image_id`,
    });
    other.hasParameter('*', { Default: `${image}/al2023-ami-ecs-hvm-2023.0.20260727-kernel-6.1-x86_64/image_id` });
  });

  test('may not pull images, write logs or read secrets: that is for the roles of tasks', () => {
    const roles = Object.entries(resources('AWS::IAM::Role')).filter(([id]) => id.includes('InstanceRole'));

    expect(roles).toHaveLength(1);
    expect(JSON.stringify(roles)).not.toMatch(/"(ecr|logs|secretsmanager|s3):/);
    expect(
      Object.values(resources('AWS::IAM::Policy')).filter((policy) => namedBy(policy).includes('InstanceRole')),
    ).toEqual([]);
  });

  test('is kept from a person who terminates it past the group, except on Spot, where EC2 refuses that', () => {
    const templates = Object.entries(synthesize(SPOT).resources('AWS::EC2::LaunchTemplate'));
    const forbidden = templates.map(([id, { Properties }]) => [
      id.includes('Spot'),
      (Properties.LaunchTemplateData as { DisableApiTermination?: boolean }).DisableApiTermination,
    ]);

    expect(forbidden.sort()).toEqual([
      [false, true],
      [true, undefined],
    ]);
  });
});

describe('the fleet', () => {
  const { template, resources } = synthesize();

  test('grows and shrinks by its capacity provider, which drains', () => {
    template.hasResourceProperties('AWS::ECS::CapacityProvider', {
      AutoScalingGroupProvider: {
        ManagedScaling: { Status: 'ENABLED', TargetCapacity: 100 },
        ManagedTerminationProtection: 'ENABLED',
        ManagedDraining: 'ENABLED',
      },
    });
  });

  test('rolls by a refresh that also replaces protected instances and never has fewer than before', () => {
    template.hasResource('AWS::AutoScaling::AutoScalingGroup', {
      Properties: { NewInstancesProtectedFromScaleIn: true, MaxInstanceLifetime: Match.absent() },
      UpdatePolicy: {
        AutoScalingInstanceRefresh: {
          Strategy: 'Rolling',
          Preferences: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200, ScaleInProtectedInstances: 'Refresh' },
        },
      },
    });
  });

  test('is deleted in the order services, association, provider, release, group', () => {
    const [[associationId, association] = []] = Object.entries(
      resources('AWS::ECS::ClusterCapacityProviderAssociations'),
    );
    const [[providerId, provider] = []] = Object.entries(resources('AWS::ECS::CapacityProvider'));
    const [[releaseId, release] = []] = Object.entries(resources('Custom::ScaleInRelease'));
    const [groupId] = Object.keys(resources('AWS::AutoScaling::AutoScalingGroup'));

    for (const service of Object.values(resources('AWS::ECS::Service'))) {
      expect(service.DependsOn).toContain(associationId);
    }
    for (const migration of Object.values(resources('Custom::Migration'))) {
      expect(migration.DependsOn).toContain(associationId);
    }
    expect(namedBy(association)).toContain(providerId);
    expect(provider?.DependsOn).toContain(releaseId);
    expect(namedBy(release)).toContain(groupId);
  });

  test('has Spot instances of its own for the workers that ask for them', () => {
    const spot = synthesize(SPOT);

    spot.template.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', {
      MinSize: '0',
      CapacityRebalance: true,
      MixedInstancesPolicy: {
        InstancesDistribution: {
          OnDemandPercentageAboveBaseCapacity: 0,
          SpotAllocationStrategy: 'price-capacity-optimized',
        },
      },
    });
    spot.template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName: 'worker-default',
      CapacityProviderStrategy: [{ CapacityProvider: { Ref: Match.stringLikeRegexp('FleetSpotCapacityProvider') } }],
      DeploymentConfiguration: { MinimumHealthyPercent: 0 },
    });
    spot.template.hasResourceProperties('AWS::ECS::Service', {
      ServiceName: 'web',
      CapacityProviderStrategy: [
        { CapacityProvider: { Ref: Match.stringLikeRegexp('FleetOnDemandCapacityProvider') } },
      ],
    });
  });

  test('moves a worker kind between Spot and on demand by a deployment of its own, and forces no other', () => {
    const forced = (overrides: Parameters<typeof synthesize>[0]) =>
      Object.values(synthesize(overrides).resources('AWS::ECS::Service')).map(({ Properties }) => [
        Properties.ServiceName,
        Properties.ForceNewDeployment,
      ]);
    const kind = (spot: boolean) => ({ workers: { default: { ...SPOT.workers.default, spot } } });
    const services = (nonce: string | undefined) => [
      ['web', undefined],
      [
        'worker-default',
        nonce === undefined ? undefined : { EnableForceNewDeployment: true, ForceNewDeploymentNonce: nonce },
      ],
      ['scheduler', undefined],
    ];

    expect(forced(SPOT)).toEqual(services('spot'));
    expect(forced({ ...SPOT, ...kind(false) })).toEqual(services('on-demand'));
    expect(forced({})).toEqual(services(undefined));
  });

  test('blocks the metadata service by the agent in network mode awsvpc', () => {
    const awsvpc = synthesize({ fleet: { networkMode: 'awsvpc', instanceType: 'm7g.large' } });

    expect(JSON.stringify(awsvpc.resources('AWS::EC2::LaunchTemplate'))).toContain('ECS_AWSVPC_BLOCK_IMDS=true');
  });
});
