import { ArnFormat, CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StageConfiguration } from '../config';
import { CustomResourceFunction, customResourceProvider } from './custom-resource-function';
import type { InstanceGroup } from './instance-group';
import { acknowledgeWildcards } from './nag';
import type { ScaleInReleaseProperties } from './scale-in-release.on-event.lambda';

export interface ScaleInReleaseProps {
  readonly configuration: StageConfiguration;
  readonly groups: readonly InstanceGroup[];
}

/**
 * Lets the stack be deleted. What Amazon ECS leaves behind on a group when its capacity provider goes keeps the group's
 * instances: their protection from scale-in for ever (containers-roadmap #2862), its draining hook for an hour. This
 * resource is made between group and provider, so CloudFormation deletes it after the services and the provider and
 * before the group; its deletion takes off both.
 */
export class ScaleInRelease extends Construct {
  constructor(scope: Construct, id: string, { configuration, groups }: ScaleInReleaseProps) {
    super(scope, id);
    const onEvent = new CustomResourceFunction(this, 'OnEvent', {
      configuration,
      file: 'scale-in-release.on-event.lambda.ts',
      statements: permissions(groups),
      // An instance that has just been started needs a minute or two until its protection can be taken off.
      timeout: Duration.minutes(5),
    });
    acknowledgeWildcards(onEvent.role, groups.map(arnOf), 'The group is the one named; only its id is left open.');
    acknowledgeWildcards(onEvent.role, ['*'], 'Describing groups and their hooks knows no resources.');
    const provider = customResourceProvider(this, 'Provider', { configuration, onEvent });
    for (const { autoScalingGroup, capacityProvider, node } of groups) {
      const properties: ScaleInReleaseProperties = { AutoScalingGroupName: autoScalingGroup.autoScalingGroupName };
      const release = new CustomResource(this, node.id, {
        serviceToken: provider.serviceToken,
        resourceType: 'Custom::ScaleInRelease',
        properties,
      });
      release.node.addDependency(onEvent.role);
      capacityProvider.node.addDependency(release);
    }
  }
}

/** A group's ARN holds an id that nothing of CloudFormation tells, besides its name. */
function arnOf({ autoScalingGroup }: InstanceGroup): string {
  return Stack.of(autoScalingGroup).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    resourceName: `*:autoScalingGroupName/${autoScalingGroup.autoScalingGroupName}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

function permissions(groups: readonly InstanceGroup[]): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: [
        'autoscaling:UpdateAutoScalingGroup',
        'autoscaling:SetInstanceProtection',
        'autoscaling:DeleteLifecycleHook',
      ],
      resources: groups.map(arnOf),
    }),
    new iam.PolicyStatement({
      actions: ['autoscaling:DescribeAutoScalingGroups', 'autoscaling:DescribeLifecycleHooks'],
      resources: ['*'],
    }),
  ];
}
