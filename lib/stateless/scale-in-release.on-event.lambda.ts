import {
  AutoScalingClient,
  DeleteLifecycleHookCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeLifecycleHooksCommand,
  SetInstanceProtectionCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';

export interface ScaleInReleaseProperties {
  readonly AutoScalingGroupName: string;
}

export interface ScaleInReleaseEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResourceProperties: ScaleInReleaseProperties;
}

type AutoScaling = Pick<AutoScalingClient, 'send'>;

/** What the capacity provider calls the hook by which Amazon ECS drains instances. */
const DRAINING_HOOK = 'ecs-managed-draining-termination-hook';
/** Instances that one SetInstanceProtection takes. Source: its API reference. */
const BATCH = 50;

/** Takes off a group, when it is about to be deleted, what Amazon ECS left on it. Creation and update do nothing. */
export async function release(
  event: ScaleInReleaseEvent,
  autoScaling: AutoScaling,
): Promise<{ readonly PhysicalResourceId: string }> {
  const { AutoScalingGroupName } = event.ResourceProperties;
  if (event.RequestType === 'Delete') await releaseGroup(AutoScalingGroupName, autoScaling);
  return { PhysicalResourceId: AutoScalingGroupName };
}

async function releaseGroup(AutoScalingGroupName: string, autoScaling: AutoScaling): Promise<void> {
  const { AutoScalingGroups = [] } = await autoScaling.send(
    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [AutoScalingGroupName] }),
  );
  const [group] = AutoScalingGroups;
  if (group === undefined) return;
  // First, so that an instance that is starting now is not protected either.
  await autoScaling.send(
    new UpdateAutoScalingGroupCommand({ AutoScalingGroupName, NewInstancesProtectedFromScaleIn: false }),
  );
  await removeHook(AutoScalingGroupName, autoScaling);
  const protectedIds = (group.Instances ?? []).flatMap(({ InstanceId, LifecycleState, ProtectedFromScaleIn }) =>
    InstanceId !== undefined && LifecycleState === 'InService' && ProtectedFromScaleIn === true ? [InstanceId] : [],
  );
  for (let start = 0; start < protectedIds.length; start += BATCH) {
    const InstanceIds = protectedIds.slice(start, start + BATCH);
    await autoScaling.send(
      new SetInstanceProtectionCommand({ AutoScalingGroupName, InstanceIds, ProtectedFromScaleIn: false }),
    );
  }
}

/** Deleting the hook also ends the wait of instances that are under way to their end. */
async function removeHook(AutoScalingGroupName: string, autoScaling: AutoScaling): Promise<void> {
  const { LifecycleHooks = [] } = await autoScaling.send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName }));
  if (!LifecycleHooks.some(({ LifecycleHookName }) => LifecycleHookName === DRAINING_HOOK)) return;
  await autoScaling.send(new DeleteLifecycleHookCommand({ AutoScalingGroupName, LifecycleHookName: DRAINING_HOOK }));
}

export const handler = (event: ScaleInReleaseEvent): ReturnType<typeof release> =>
  release(event, new AutoScalingClient());
